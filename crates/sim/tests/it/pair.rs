//! Worlds of a merchant and its provider.

use scrip_sim::Outcome;
use scrip_sim::pair::{Defect, Plan, run};

use crate::{is_seen, regressions, sound};

fn world(seed: u64, steps: u64) -> Outcome {
    run(&Plan::of(seed, steps), false)
}

/// Within some seeds, the auditor objects to a defect.
fn defect_is_seen(defect: Defect, like: &[&str]) {
    is_seen((1..20).map(|seed| run(&Plan::of(seed, 80).with(defect), false)), like);
}

#[test]
fn fixed_seeds_of_two_servers_are_sound() {
    for seed in 0x2b2b_0000..0x2b2b_0008 {
        sound(seed, 80, world);
    }
}

#[test]
fn what_once_failed_between_two_servers_is_sound() {
    for (seed, steps) in regressions(include_str!("../../regressions/pairs.txt")) {
        sound(seed, steps, world);
    }
}

#[test]
fn a_code_without_the_providers_last_word_defect_is_seen() {
    defect_is_seen(Defect::ForgesLastWord, &["but the provider has it as", "at the provider"]);
}

#[test]
fn a_code_shown_to_a_stranger_defect_is_seen() {
    defect_is_seen(Defect::ShowsToStrangers, &["confirmed it", "a token shows"]);
}

#[test]
fn a_wallet_shown_fuller_by_the_provider_defect_is_seen() {
    defect_is_seen(Defect::FlattersWallets, &["available, not"]);
}

#[test]
fn a_commit_of_the_provider_answered_and_forgotten_defect_is_seen() {
    defect_is_seen(
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
