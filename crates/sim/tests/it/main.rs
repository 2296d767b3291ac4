//! Fixed seeds, what once failed, and proof that the auditors see what is wrong.
#![expect(clippy::tests_outside_test_module, reason = "an integration test is a test module")]

mod pair;
mod ring;
mod world;

use scrip_sim::Outcome;

/// Runs a seed twice, side by side: nothing is untrue, and both traces are the same.
fn sound(seed: u64, steps: u64, run: impl Fn(u64, u64) -> Outcome + Sync) {
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(seed, steps));
        (run(seed, steps), other.join().expect("a world ends"))
    });
    assert_eq!(first.violation, None, "seed {seed:#x}:\n{}", first.tail.join("\n"));
    assert_eq!(first.hash, second.hash, "two runs of seed {seed:#x} differ");
    assert!(first.lines > steps, "seed {seed:#x} did nothing");
}

/// The seeds of a list of what once failed, each with its steps.
fn regressions(list: &str) -> impl Iterator<Item = (u64, u64)> + '_ {
    list.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let seed = words.next()?.strip_prefix("0x")?;
        Some((u64::from_str_radix(seed, 16).unwrap(), words.next()?.parse().unwrap()))
    })
}

/// One of these worlds with a defect is objected to, in words like these.
fn is_seen(mut worlds: impl Iterator<Item = Outcome>, like: &[&str]) {
    let seen = worlds.find_map(|Outcome { violation, .. }| violation).expect("somebody sees it");
    assert!(like.iter().any(|like| seen.contains(like)), "it was seen as: {seen}");
}
