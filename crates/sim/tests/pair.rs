//! Worlds of a merchant and its provider: fixed seeds, what once failed, and proof that the auditor sees what is wrong.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is a test module")]

use scrip_sim::Outcome;
use scrip_sim::pair::{Defect, Plan, run};

/// Runs a seed twice: nothing is untrue, and both traces are the same.
fn sound(seed: u64, steps: u64) {
    let plan = Plan::of(seed, steps);
    let (first, second) = (run(&plan, false), run(&plan, false));
    assert_eq!(first.violation, None, "seed {seed:#x}:\n{}", first.tail.join("\n"));
    assert_eq!(first.hash, second.hash, "two runs of seed {seed:#x} differ");
    assert!(first.lines > steps, "seed {seed:#x} did nothing");
}

/// Within a few seeds, the auditor objects to a defect, and says something like this.
fn is_seen(defect: Defect, like: &[&str]) {
    let mut outcomes = (1..20).map(|seed| run(&Plan::of(seed, 80).with(defect), false));
    let seen = outcomes.find_map(|Outcome { violation, .. }| violation);
    let seen = seen.unwrap_or_else(|| panic!("nobody saw {defect:?}"));
    assert!(like.iter().any(|like| seen.contains(like)), "{defect:?} was seen as: {seen}");
}

#[test]
fn fixed_seeds_of_two_servers_are_sound() {
    for seed in 0x2b2b_0000..0x2b2b_0008 {
        sound(seed, 80);
    }
}

#[test]
fn what_once_failed_between_two_servers_is_sound() {
    for line in include_str!("../regressions/pairs.txt").lines() {
        let mut words = line.split_whitespace();
        let (Some(seed), Some(steps)) = (words.next(), words.next()) else { continue };
        let Some(seed) = seed.strip_prefix("0x") else { continue };
        sound(u64::from_str_radix(seed, 16).unwrap(), steps.parse().unwrap());
    }
}

#[test]
fn a_code_without_the_providers_last_word_is_seen() {
    is_seen(Defect::ForgesLastWord, &["but the provider has it as", "at the provider"]);
}

#[test]
fn a_code_shown_to_a_stranger_is_seen() {
    is_seen(Defect::ShowsToStrangers, &["confirmed it", "a token shows"]);
}

#[test]
fn a_wallet_shown_fuller_by_the_provider_is_seen() {
    is_seen(Defect::FlattersWallets, &["available, not"]);
}

#[test]
fn a_commit_of_the_provider_answered_and_forgotten_is_seen() {
    is_seen(
        Defect::ForgetsCommits,
        &[
            "available, not",
            "but the provider",
            "at the provider",
            "does not show",
            "answered",
            "another's",
        ],
    );
}
