//! Counting the units of a lease, offline: a crash or a copied file gives nothing back.
//!
//! ```text
//!            begin                take                            end
//! (no file) ───────▶ live, turn 0 ────▶ live, turn 1 ──▶ … ──▶ ended, and so many were used
//!                    spent ◀──┘
//! ```
//! Every [`Meter::take`] makes a new file, and only then marks the old one as spent and puts the new one in its place:
//!
//! ```text
//! 1  write lea_1.meter.next: the new count, and which file it stands in     a crash here: the old one counts
//! 2  sync it
//! 3  append "spent" to lea_1.meter, and sync that                           a crash here: opening goes on with 4
//! 4  rename lea_1.meter.next to lea_1.meter, and sync the folder
//! 5  the caller does the work                                               a crash here: the units are gone
//! ```
//!
//! So the count is on the disk before the work is done, and a crash can only lose units, never make them. A file says in
//! itself which one it is: its inode, and the moment of its making where the file system keeps that. So a copy counts
//! nothing, whether it lies elsewhere, was moved into the place of the original, or was written over it; and what
//! was kept by a hard link is marked as spent. Whoever has the file open has it locked; a second process is turned away.
//!
//! # What it cannot do
//!
//! No program can prevent it when a person sets back the whole machine: a snapshot of a virtual machine or of a file
//! system brings back file, inode and all. Nor is there a secret in the file: who writes a program for it can forge one.
//! And who deletes the file and still has the lease could begin again; that is possible only shortly after the
//! lease was signed ([`Policy::begin_within_seconds`](crate::Policy)). A vendor for whom that is too much asks the server
//! for every unit (`consume`), or leases few at a time. On other systems than Unix a file is not told from its copy.
//!
//! What moves the file honestly to another disk, such as a restored backup, stops the meter too. The way out is a new
//! lease: what was not returned stays counted as used at the vendor, who can give it back.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::check::Reason;
use crate::claims::Digest;
use crate::lease::Lease;
use crate::place;

/// More than the longest file.
const MAX_LENGTH: u64 = 4096;
/// What is appended to a file that another one has followed.
const SPENT: &str = "spent\n";
/// What is appended to a file whose lease is returned.
const ENDED: &str = "ended\n";
/// How often the file is opened again because it was followed by another one in between.
const TRIES: u32 = 8;

/// The counter of one lease on one machine, in a file that this process has for itself until the meter is dropped.
#[derive(Debug)]
pub struct Meter {
    path: PathBuf,
    file: File,
    count: Count,
    /// Something failed while a unit was taken: the file must be read again before the next.
    is_unsure: bool,
}

/// Why units are not counted.
#[derive(Debug, thiserror::Error)]
pub enum MeterError {
    /// There is no file yet: begin.
    #[error("counting has not begun")]
    Absent,
    /// There is a file already: open it.
    #[error("counting has begun already")]
    Begun,
    /// The lease was signed too long ago to begin.
    #[error("the lease is too old to begin counting; a new one is needed")]
    TooLate,
    /// The lease has no units.
    #[error("the lease has nothing to be counted")]
    NoUnits,
    /// Another process counts.
    #[error("another process is counting")]
    Busy,
    /// The file is of another lease or machine.
    #[error("the file counts for another lease or machine")]
    Other,
    /// The file is a copy, or was put back.
    #[error("the file is a copy: it counts nothing")]
    Copied,
    /// The file is not as it was written.
    #[error("the file is damaged")]
    Damaged,
    /// The lease was returned.
    #[error("the lease has been ended, with {used} used")]
    Ended {
        /// How many units were used: what the server is told.
        used: u64,
    },
    /// Not so many units are left; nothing was taken.
    #[error("only {left} are left")]
    Exhausted {
        /// How many are.
        left: u64,
    },
    /// An earlier `take` failed on the way: open the meter again.
    #[error("something failed before; the file must be opened again")]
    Unsure,
    /// The file could not be read or written.
    #[error("the file cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// What stands in the file's first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    lease: String,
    machine: Digest,
    units: u64,
    used: u64,
    /// Counts the files up: one follows another.
    turn: u64,
    /// Which file this is.
    file: String,
}

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Live(Count),
    Spent(Count),
    Ended(Count),
}

/// The moments at which a crash makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Made,
    Written,
    Marked,
    Renamed,
}

impl Meter {
    /// Where the meter of this lease lies in a folder, one that only this program writes to.
    ///
    /// The name of a lease has letters, digits and `_` only; whatever else is in it, if somebody signs such things, becomes
    /// `_`.
    pub fn path_in(folder: &Path, lease: &Lease) -> PathBuf {
        let plain = |symbol: char| if symbol.is_ascii_alphanumeric() { symbol } else { '_' };
        let name: String = lease.id.chars().map(plain).collect();
        folder.join(name + ".meter")
    }

    /// Begins to count a lease that [`Offline::check`](crate::Offline) has found good, at `now` in Unix seconds: not later
    /// than `within_seconds` after it was signed, so that nobody deletes the file and begins again much later.
    pub fn begin(
        path: &Path,
        lease: &Lease,
        now: u64,
        within_seconds: u64,
    ) -> Result<Self, MeterError> {
        let units = lease.units.ok_or(MeterError::NoUnits)?;
        if now > lease.issued_at.saturating_add(within_seconds) {
            return Err(MeterError::TooLate);
        }
        if fs::exists(path)? {
            return Err(MeterError::Begun);
        }
        let next = place::beside(path, ".next");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&next)?;
        lock(&file)?;
        // Again, for whoever had the lock before may have begun.
        if fs::exists(path)? {
            return Err(MeterError::Begun);
        }
        let count = Count {
            lease: lease.id.clone(),
            machine: lease.machine,
            units,
            used: 0,
            turn: 0,
            file: identity(&file)?,
        };
        file.set_len(0)?;
        count.write(&mut file)?;
        place::rename(&next, path)?;
        Ok(Self { path: path.to_owned(), file, count, is_unsure: false })
    }

    /// Goes on counting.
    pub fn open(path: &Path, lease: &Lease) -> Result<Self, MeterError> {
        for _ in 0..TRIES {
            let opened = OpenOptions::new().read(true).append(true).open(path);
            let mut file = opened.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => MeterError::Absent,
                _ => MeterError::Io(error),
            })?;
            lock(&file)?;
            if identity(&file)? != identity(&File::open(path)?)? {
                continue;
            }
            let (file, count) = match State::read(&mut file)? {
                State::Live(count) => (file, count),
                State::Ended(count) if count.is_for(lease) => {
                    return Err(MeterError::Ended { used: count.used });
                }
                State::Ended(_) => return Err(MeterError::Other),
                State::Spent(count) => follow(path, &count)?,
            };
            if !count.is_for(lease) {
                return Err(MeterError::Other);
            }
            return Ok(Self { path: path.to_owned(), file, count, is_unsure: false });
        }
        Err(MeterError::Busy)
    }

    /// Goes on counting, or begins where that has not happened yet.
    pub fn open_or_begin(
        path: &Path,
        lease: &Lease,
        now: u64,
        within_seconds: u64,
    ) -> Result<Self, MeterError> {
        match Self::open(path, lease) {
            Err(MeterError::Absent) => match Self::begin(path, lease, now, within_seconds) {
                Err(MeterError::Begun) => Self::open(path, lease),
                begun => begun,
            },
            opened => opened,
        }
    }

    /// How many units were used.
    pub fn used(&self) -> u64 {
        self.count.used
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.count.units.saturating_sub(self.count.used)
    }

    /// Takes units, all or none, and gives how many are left then. Do the work after this: what was taken is on
    /// the disk, and stays taken when the work fails.
    pub fn take(&mut self, units: u64) -> Result<u64, MeterError> {
        self.advance(units, &mut |_| Ok(()))
    }

    /// Ends counting and gives how many were used, which is what `return` tells the server. The file stays, and says so.
    pub fn end(mut self) -> Result<u64, MeterError> {
        if self.is_unsure {
            return Err(MeterError::Unsure);
        }
        self.mark(ENDED)?;
        Ok(self.count.used)
    }

    fn advance(
        &mut self,
        units: u64,
        crash: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> Result<u64, MeterError> {
        if self.is_unsure {
            return Err(MeterError::Unsure);
        }
        let left = self.left();
        let used = match self.count.used.checked_add(units) {
            Some(used) if units <= left => used,
            _ => return Err(MeterError::Exhausted { left }),
        };
        if units == 0 {
            return Ok(left);
        }
        self.is_unsure = true;
        let next = place::beside(&self.path, ".next");
        // What an earlier crash may have left; nobody else is here.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = OpenOptions::new().read(true).append(true).create_new(true).open(&next)?;
        crash(Step::Made)?;
        lock(&file)?;
        let turn = self.count.turn.saturating_add(1);
        let count = Count { used, turn, file: identity(&file)?, ..self.count.clone() };
        count.write(&mut file)?;
        crash(Step::Written)?;
        self.mark(SPENT)?;
        crash(Step::Marked)?;
        place::rename(&next, &self.path)?;
        crash(Step::Renamed)?;
        (self.file, self.count, self.is_unsure) = (file, count, false);
        Ok(self.left())
    }

    /// Marks the file. If somebody else has done so although it is locked, that mark was the first, and counts.
    fn mark(&mut self, mark: &str) -> Result<(), MeterError> {
        match State::read(&mut self.file)? {
            State::Live(count) if count == self.count => {}
            State::Live(_) => return Err(MeterError::Damaged),
            State::Spent(_) | State::Ended(_) => return Err(MeterError::Busy),
        }
        self.file.seek(SeekFrom::End(0))?;
        // Behind what a crash may have left of an earlier mark.
        self.file.write_all(format!("\n{mark}").as_bytes())?;
        Ok(self.file.sync_all()?)
    }
}

impl MeterError {
    /// The stable code that says this to people; `None` where it is no answer about the license, but something to be
    /// done: begin, wait, open again. `counts_uses` says what the terms count.
    pub fn reason(&self, counts_uses: bool) -> Option<Reason> {
        match self {
            Self::Exhausted { .. } if counts_uses => Some(Reason::UsesExhausted),
            Self::Exhausted { .. } => Some(Reason::ProcessingsExhausted),
            Self::TooLate | Self::Ended { .. } | Self::Copied | Self::Damaged => {
                Some(Reason::LeaseExpired)
            }
            Self::Other => Some(Reason::WrongMachine),
            Self::NoUnits => Some(Reason::NotActivated),
            Self::Absent | Self::Begun | Self::Busy | Self::Unsure | Self::Io(_) => None,
        }
    }
}

impl Count {
    fn is_for(&self, lease: &Lease) -> bool {
        self.lease == lease.id && self.machine == lease.machine && Some(self.units) == lease.units
    }

    /// The first line: the count, and a sum by which a torn or rotten line is known.
    fn line(&self) -> io::Result<String> {
        let json = serde_json::to_string(self)?;
        let sum = Digest(Sha256::digest(format!("scrip meter\n{json}")).into());
        Ok(format!("scrip-meter 1 {sum} {json}\n"))
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        file.write_all(self.line()?.as_bytes())?;
        file.sync_all()
    }
}

impl State {
    /// What an open file says, if it is the one that it says it is.
    fn read(file: &mut File) -> Result<Self, MeterError> {
        file.seek(SeekFrom::Start(0))?;
        let text = place::text_of(file, MAX_LENGTH).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => MeterError::Damaged,
            _ => MeterError::Io(error),
        })?;
        let state = Self::parse(&text).ok_or(MeterError::Damaged)?;
        if state.count().file == identity(file)? { Ok(state) } else { Err(MeterError::Copied) }
    }

    /// The first whole mark counts. Before it may stand what crashes have left of others, and nothing else.
    fn parse(text: &str) -> Option<Self> {
        let (first, marks) = text.split_once('\n')?;
        let json = first.strip_prefix("scrip-meter 1 ")?.split_once(' ')?.1;
        let count: Count = serde_json::from_str(json).ok()?;
        if count.used > count.units || count.line().ok()?.strip_suffix('\n') != Some(first) {
            return None;
        }
        for mark in marks.split_inclusive('\n') {
            match mark {
                SPENT => return Some(Self::Spent(count)),
                ENDED => return Some(Self::Ended(count)),
                torn => {
                    let torn = torn.trim_end_matches('\n');
                    if !SPENT.starts_with(torn) && !ENDED.starts_with(torn) {
                        return None;
                    }
                }
            }
        }
        Some(Self::Live(count))
    }

    fn count(&self) -> &Count {
        match self {
            Self::Live(count) | Self::Spent(count) | Self::Ended(count) => count,
        }
    }
}

/// The file that follows a spent one, if a crash kept it from its place.
fn follow(path: &Path, spent: &Count) -> Result<(File, Count), MeterError> {
    let next = place::beside(path, ".next");
    let opened = OpenOptions::new().read(true).append(true).open(&next);
    let mut file = opened.map_err(|error| match error.kind() {
        // Somebody has kept a file that is used up, and put it back.
        io::ErrorKind::NotFound => MeterError::Copied,
        _ => MeterError::Io(error),
    })?;
    lock(&file)?;
    let State::Live(count) = State::read(&mut file)? else { return Err(MeterError::Damaged) };
    let follows = count.turn == spent.turn.saturating_add(1)
        && count.used > spent.used
        && (&count.lease, count.machine, count.units) == (&spent.lease, spent.machine, spent.units);
    if !follows {
        return Err(MeterError::Damaged);
    }
    place::rename(&next, path)?;
    Ok((file, count))
}

fn lock(file: &File) -> Result<(), MeterError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => MeterError::Busy,
        TryLockError::Error(error) => MeterError::Io(error),
    })
}

/// Which file this is, in a way that a copy has not. The number of the disk is no part of it: it can differ after each
/// start of the machine.
#[cfg(unix)]
fn identity(file: &File) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    use std::time::UNIX_EPOCH;

    let about = file.metadata()?;
    let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{}-{}", about.ino(), made.unwrap_or_default().as_nanos()))
}

/// Elsewhere a file has no name of its own that can be relied on: NTFS gives a new file the time of the one that was
/// there before.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn identity(_: &File) -> io::Result<String> {
    Ok(String::new())
}

#[cfg(test)]
mod tests;
