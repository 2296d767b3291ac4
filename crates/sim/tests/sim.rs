//! Fixed seeds, what once failed, and proof that the auditor sees what is wrong.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is a test module")]

use scrip_sim::{Defect, Outcome, Plan, run};

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
    let mut outcomes = (1..100).map(|seed| run(&Plan::of(seed, 150).with(defect), false));
    let seen = outcomes.find_map(|Outcome { violation, .. }| violation);
    let seen = seen.unwrap_or_else(|| panic!("nobody saw {defect:?}"));
    assert!(like.iter().any(|like| seen.contains(like)), "{defect:?} was seen as: {seen}");
}

#[test]
fn fixed_seeds_are_sound() {
    for seed in 0x5c81_0000..0x5c81_000a {
        sound(seed, 120);
    }
}

#[test]
fn what_once_failed_is_sound() {
    for line in include_str!("../regressions/seeds.txt").lines() {
        let mut words = line.split_whitespace();
        let (Some(seed), Some(steps)) = (words.next(), words.next()) else { continue };
        let Some(seed) = seed.strip_prefix("0x") else { continue };
        sound(u64::from_str_radix(seed, 16).unwrap(), steps.parse().unwrap());
    }
}

#[test]
fn another_seed_is_another_world() {
    let hash = |seed| run(&Plan::of(seed, 30), false).hash;
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_commit_answered_and_forgotten_is_seen() {
    is_seen(Defect::ForgetsCommits, &["available", "was told", "was shown", "told", "answered"]);
}

#[test]
fn a_doubled_top_up_is_seen() {
    is_seen(
        Defect::DoublesTopUps,
        &[
            "available, not",
            "quoted with",
            "a statement of",
            "left, not",
            "at hand",
            "nobody asked for",
        ],
    );
}

#[test]
fn a_dispute_of_which_the_shop_never_hears_is_seen() {
    is_seen(Defect::HidesDisputes, &["known as", "taken,"]);
}

#[test]
fn a_debt_shown_smaller_is_seen() {
    is_seen(Defect::FlattersDebtors, &["owed, not", "left of", "drawn,"]);
}

#[test]
fn an_opinion_that_the_bureau_never_had_is_seen() {
    is_seen(Defect::BendsOpinions, &["the bureau is told as"]);
}

#[test]
fn an_automatic_top_up_without_cause_is_seen() {
    is_seen(
        Defect::TopsUpUnasked,
        &["occasions", "is more than up to", "available, not", "left, not"],
    );
}

#[test]
fn a_missing_license_is_seen() {
    is_seen(Defect::HidesLicenses, &["licenses for", "was first answered"]);
}

#[test]
fn a_code_of_another_license_is_seen() {
    is_seen(Defect::SwapsCodes, &["the code of", "was told as", "was first answered"]);
}

#[test]
fn a_wallet_shown_fuller_is_seen() {
    is_seen(Defect::FlattersWallets, &["available, not", "posted, but"]);
}

#[test]
fn a_purchase_denied_after_it_was_made_is_seen() {
    is_seen(
        Defect::DeniesPurchases,
        &[
            "available, not",
            "quoted with",
            "a statement of",
            "left, not",
            "was first answered",
            "at hand",
            "is paid",
            "refused as owned",
        ],
    );
}
