//! Worlds of one shop.

use scrip_sim::{Defect, Outcome, Plan, run};

use crate::{is_seen, regressions, sound};

fn world(seed: u64, steps: u64) -> Outcome {
    run(&Plan::of(seed, steps), false)
}

/// Within some seeds, the auditor objects to a defect.
fn defect_is_seen(defect: Defect, like: &[&str]) {
    is_seen((1..100).map(|seed| run(&Plan::of(seed, 150).with(defect), false)), like);
}

#[test]
fn fixed_seeds_are_sound() {
    for seed in 0x5c81_0000..0x5c81_000a {
        sound(seed, 120, world);
    }
}

#[test]
fn what_once_failed_is_sound() {
    for (seed, steps) in regressions(include_str!("../../regressions/seeds.txt")) {
        sound(seed, steps, world);
    }
}

#[test]
fn another_seed_is_another_world() {
    let hash = |seed| run(&Plan::of(seed, 30), false).hash;
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_commit_answered_and_forgotten_defect_is_seen() {
    defect_is_seen(
        Defect::ForgetsCommits,
        &["available", "was told", "was shown", "told", "answered", "declined, with"],
    );
}

#[test]
fn a_doubled_top_up_defect_is_seen() {
    defect_is_seen(
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
fn a_dispute_of_which_the_shop_never_hears_defect_is_seen() {
    defect_is_seen(Defect::HidesDisputes, &["known as", "taken,"]);
}

#[test]
fn a_debt_shown_smaller_defect_is_seen() {
    defect_is_seen(Defect::FlattersDebtors, &["owed, not", "left of", "drawn,"]);
}

#[test]
fn an_opinion_that_the_bureau_never_had_defect_is_seen() {
    defect_is_seen(Defect::BendsOpinions, &["the bureau is told as"]);
}

#[test]
fn an_automatic_top_up_without_cause_defect_is_seen() {
    defect_is_seen(
        Defect::TopsUpUnasked,
        &["occasions", "is more than up to", "available, not", "left, not"],
    );
}

#[test]
fn a_processing_taken_twice_defect_is_seen() {
    defect_is_seen(
        Defect::DoublesProcessings,
        &["exhausted, with", "are used", "are left", "number"],
    );
}

#[test]
fn a_missing_license_defect_is_seen() {
    defect_is_seen(
        Defect::HidesLicenses,
        &["licenses for", "was first answered", "/v1/purchases was answered"],
    );
}

#[test]
fn a_code_of_another_license_defect_is_seen() {
    defect_is_seen(
        Defect::SwapsCodes,
        &["the code of", "was told as", "was first answered", "/v1/purchases was answered"],
    );
}

#[test]
fn a_wallet_shown_fuller_defect_is_seen() {
    defect_is_seen(Defect::FlattersWallets, &["available, not", "posted, but"]);
}

#[test]
fn a_purchase_denied_after_it_was_made_defect_is_seen() {
    defect_is_seen(
        Defect::DeniesPurchases,
        &[
            // The tenant, of whom a bundle is denied.
            "/v1/purchases was answered 409",
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
