//! The trace: every request, answer and fault with its time, as one hash. Two runs of a seed must
//! give the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::clock::Elapsed;

/// Lines kept for whoever looks at a failure.
const TAIL: usize = 60;
/// A line is cut to this for the reader; the hash has all of it.
const WIDTH: usize = 400;

/// What has happened so far.
#[derive(Clone, Debug)]
pub struct Trace {
    elapsed: Elapsed,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    hasher: Sha256,
    lines: u64,
    operations: u64,
    tail: VecDeque<String>,
    loud: bool,
}

impl Trace {
    /// An empty trace; a loud one prints its lines as they come.
    pub fn new(elapsed: Elapsed, loud: bool) -> Self {
        Self { elapsed, kept: Arc::new(Mutex::new(Kept { loud, ..Kept::default() })) }
    }

    /// `who` did or met `what`.
    pub fn note(&self, who: &str, what: &str) {
        let line = format!("{:>8} {who}: {what}\n", self.elapsed.millis());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.hasher.update(line.as_bytes());
        kept.lines += 1;
        let short: String = line.trim_end().chars().take(WIDTH).collect();
        if kept.loud {
            eprintln!("{short}");
        }
        kept.tail.push_back(short);
        if kept.tail.len() > TAIL {
            kept.tail.pop_front();
        }
    }

    /// `who` asks or does `what`: an operation of the world, and a line.
    pub fn act(&self, who: &str, what: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).operations += 1;
        self.note(who, what);
    }

    /// How many operations there were: requests, calls to the processor, its messages, deeds of the bank.
    pub fn operations(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).operations
    }

    /// The hash so far, how many lines it is over, and the last of them.
    pub fn sum(&self) -> (String, u64, Vec<String>) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = base16ct::lower::encode_string(&kept.hasher.clone().finalize());
        hash.truncate(24);
        (hash, kept.lines, kept.tail.iter().cloned().collect())
    }
}
