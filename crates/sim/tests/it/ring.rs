//! Worlds of two or three vendors whose tokens buy each other's.

use scrip_sim::Outcome;
use scrip_sim::ring::{Defect, Plan, run};

use crate::{is_seen, regressions, sound};

fn world(seed: u64, steps: u64) -> Outcome {
    run(&Plan::of(seed, steps), false)
}

/// Within some seeds, the auditor objects to a defect.
fn defect_is_seen(defect: Defect, like: &[&str]) {
    is_seen((1..20).map(|seed| run(&Plan::of(seed, 80).with(defect), false)), like);
}

#[test]
fn fixed_seeds_of_vendors_in_a_ring_are_sound() {
    for seed in 0x7169_0000..0x7169_0006 {
        sound(seed, 60, world);
    }
}

#[test]
fn what_once_failed_between_vendors_is_sound() {
    for (seed, steps) in regressions(include_str!("../../regressions/rings.txt")) {
        sound(seed, steps, world);
    }
}

#[test]
fn an_exchange_reversed_though_it_was_fulfilled_defect_is_seen() {
    defect_is_seen(Defect::ForgesLate, &["is reversed at"]);
}

#[test]
fn a_compensation_booked_twice_defect_is_seen() {
    defect_is_seen(Defect::OwesTwice, &["has booked"]);
}

#[test]
fn more_owed_than_was_agreed_defect_is_seen() {
    defect_is_seen(Defect::RaisesCap, &["above the cap of"]);
}

#[test]
fn a_commit_of_a_vendor_answered_and_forgotten_defect_is_seen() {
    defect_is_seen(
        Defect::ForgetsCommits,
        &[
            "has never begun it",
            " at ",
            "was told",
            "was answered",
            "tokens that could",
            "when all should be",
        ],
    );
}

#[test]
fn a_lie_about_what_is_owed_defect_is_seen() {
    defect_is_seen(Defect::LiesInStatement, &["disputed"]);
}
