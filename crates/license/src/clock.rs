//! The latest time that was ever seen, kept in a small file: a clock that is set back is noticed.
//!
//! ```text
//! the machine's own clock ──see──▶ latest ──at──▶ the time to go by, or CLOCK_ROLLBACK
//! iat of leases and lists ─told──▶ signed ──┘
//! ```
//!
//! A clock that was once wrong in the other direction, such as a dead battery's year 2099, must not shut an honest person
//! out for ever. So what the vendor signed, and this file has not seen before, corrects it: whoever can get a fresh
//! lease is right about the time, give or take the day for which such a paper counts as fresh.
//!
//! A person who deletes the file has only forgotten: leases and lists still say when they were signed.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::check::Reason;
use crate::claims::Digest;
use crate::offline::{Policy, Rollback};
use crate::place;

/// How long after it was signed a paper tells what time it is.
const FRESH_SECONDS: u64 = 24 * 60 * 60;
/// The own clock is written down at most so often.
const STEP_SECONDS: u64 = 60;
/// More than the longest file.
const MAX_LENGTH: u64 = 512;

/// The file that keeps the latest time.
#[derive(Debug)]
pub struct ClockFile {
    path: PathBuf,
    machine: Digest,
    known: Known,
    is_damaged: bool,
}

/// Unix seconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// The latest time by any account.
    latest: u64,
    /// The latest time that the vendor signed.
    signed: u64,
}

impl ClockFile {
    /// Opens the file at `path` of this machine; one that is not there is begun with the first time that is seen. A
    /// file that somebody damaged, or brought from another machine, is no error: see [`ClockFile::at`].
    pub fn open(path: impl Into<PathBuf>, machine: Digest) -> io::Result<Self> {
        let path = path.into();
        let read = match place::read(&path, MAX_LENGTH) {
            Ok(text) => Known::read(&text, machine),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Known::default()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            Err(error) => return Err(error),
        };
        Ok(Self { path, machine, is_damaged: read.is_none(), known: read.unwrap_or_default() })
    }

    /// Which time to go by, when the machine's clock shows `now`; and writes it down.
    ///
    /// A clock that is behind the latest known time by no more than the tolerance is only slow: the latest time is the
    /// time. Further behind than that it is [`Reason::ClockRollback`], or the latest time, as the policy says; so is
    /// a damaged file.
    pub fn at(&mut self, now: u64, policy: &Policy) -> io::Result<Result<u64, Reason>> {
        let is_wrong = self.is_damaged && policy.rollback == Rollback::FailClosed;
        if is_wrong || policy.is_behind(now, self.known.latest) {
            return Ok(Err(Reason::ClockRollback));
        }
        if self.is_damaged || now >= self.known.latest.saturating_add(STEP_SECONDS) {
            self.keep(Known { latest: self.known.latest.max(now), ..self.known })?;
        }
        Ok(Ok(now.max(self.known.latest)))
    }

    /// Takes note of when the vendor signed a genuine lease or list (`iat`), while the machine's clock shows `now`.
    ///
    /// What was signed later than all that was told before, and less than a day ago by this clock, corrects a latest
    /// time that is in the future, and a damaged file.
    pub fn told(&mut self, signed_at: u64, now: u64) -> io::Result<()> {
        if signed_at <= self.known.signed && !self.is_damaged {
            return Ok(());
        }
        let is_fresh = signed_at <= now && now < signed_at.saturating_add(FRESH_SECONDS);
        let latest = if is_fresh { now } else { self.known.latest.max(signed_at) };
        if self.is_damaged && !is_fresh {
            return Ok(());
        }
        self.keep(Known { latest, signed: signed_at })
    }

    fn keep(&mut self, known: Known) -> io::Result<()> {
        place::write(&self.path, &known.text(self.machine))?;
        self.known = known;
        self.is_damaged = false;
        Ok(())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Known {
    fn text(self, machine: Digest) -> String {
        let Self { latest, signed } = self;
        let sum =
            Digest(Sha256::digest(format!("scrip clock\n{machine} {latest} {signed}")).into());
        format!("scrip-clock 1 {latest} {signed} {sum}\n")
    }

    /// Only what `text` wrote, letter by letter.
    fn read(text: &str, machine: Digest) -> Option<Self> {
        let mut words = text.strip_prefix("scrip-clock 1 ")?.split(' ');
        let mut number = || words.next()?.parse().ok();
        let known = Self { latest: number()?, signed: number()? };
        (known.text(machine) == text).then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::machine;

    const NOON: u64 = 1_795_000_000;
    const DAY: u64 = 86_400;

    fn clock(dir: &tempfile::TempDir) -> ClockFile {
        ClockFile::open(dir.path().join("clock"), machine("desk")).unwrap()
    }

    fn open() -> Policy {
        Policy { rollback: Rollback::FailOpen, ..Policy::default() }
    }

    #[test]
    fn a_clock_that_is_set_back_is_noticed_also_by_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::default();
        assert_eq!(clock(&dir).at(NOON, &policy).unwrap(), Ok(NOON));
        assert_eq!(clock(&dir).at(NOON - DAY, &policy).unwrap(), Ok(NOON), "slow, not set back");
        let back = clock(&dir).at(NOON - DAY - 1, &policy).unwrap();
        assert_eq!(back, Err(Reason::ClockRollback));
        let back = clock(&dir).at(NOON - DAY - 1, &open()).unwrap();
        assert_eq!(back, Ok(NOON), "time stands still, but does not run backwards");
        assert_eq!(clock(&dir).at(NOON + DAY, &policy).unwrap(), Ok(NOON + DAY));
    }

    #[test]
    fn what_the_vendor_signed_corrects_a_clock_that_was_ahead() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::default();
        clock(&dir).told(NOON - 10 * DAY, NOON).unwrap();
        let year_2099 = 4_070_908_800;
        assert_eq!(clock(&dir).at(year_2099, &policy).unwrap(), Ok(year_2099));
        assert_eq!(clock(&dir).at(NOON, &policy).unwrap(), Err(Reason::ClockRollback));
        for stale in [NOON - 10 * DAY, NOON - DAY, NOON + 1] {
            clock(&dir).told(stale, NOON).unwrap();
            let still = clock(&dir).at(NOON, &policy).unwrap();
            assert_eq!(still, Err(Reason::ClockRollback), "{stale}");
        }
        clock(&dir).told(NOON + 5, NOON + 9).unwrap();
        assert_eq!(clock(&dir).at(NOON + 9, &policy).unwrap(), Ok(NOON + 9));
    }

    #[test]
    fn what_was_signed_is_a_time_that_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        clock(&dir).told(NOON, NOON - 9 * DAY).unwrap();
        let behind = clock(&dir).at(NOON - 9 * DAY, &Policy::default()).unwrap();
        assert_eq!(behind, Err(Reason::ClockRollback));
    }

    #[test]
    fn a_file_of_another_machine_or_a_damaged_one_is_a_rollback_until_the_vendor_says_the_time() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::default();
        clock(&dir).at(NOON, &policy).unwrap().unwrap();
        let good = std::fs::read_to_string(clock(&dir).path()).unwrap();
        let other = Known { latest: NOON, signed: 0 }.text(machine("another"));
        let bad = ["", "\n", &good[1..], &good[..good.len() - 1], &other, &good.replace(' ', "  ")];
        for text in bad {
            std::fs::write(dir.path().join("clock"), text).unwrap();
            assert_eq!(clock(&dir).at(NOON, &policy).unwrap(), Err(Reason::ClockRollback));
        }
        clock(&dir).told(NOON - 2 * DAY, NOON).unwrap();
        assert_eq!(clock(&dir).at(NOON, &policy).unwrap(), Err(Reason::ClockRollback), "stale");
        clock(&dir).told(NOON - 60, NOON).unwrap();
        assert_eq!(clock(&dir).at(NOON, &policy).unwrap(), Ok(NOON));
        std::fs::write(dir.path().join("clock"), "?").unwrap();
        assert_eq!(clock(&dir).at(NOON, &open()).unwrap(), Ok(NOON));
        assert_eq!(clock(&dir).at(NOON - DAY, &policy).unwrap(), Ok(NOON), "it is whole again");
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_a_panic(text in "(scrip-clock 1 )?[0-9 ]{0,60}\\PC{0,80}") {
            prop_assert_eq!(Known::read(&text, machine("desk")), None);
        }

        #[test]
        fn times_survive(latest: u64, signed: u64) {
            let known = Known { latest, signed };
            prop_assert_eq!(Known::read(&known.text(machine("a")), machine("a")), Some(known));
        }
    }
}
