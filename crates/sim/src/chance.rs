//! Chance from a seed: a stream of its own for each purpose, so that one more draw here changes
//! nothing there.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of chance.
#[derive(Debug)]
pub struct Chance(ChaCha12Rng);

impl Chance {
    /// The stream of `seed` for `purpose`.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(seed.to_le_bytes());
        hasher.update(purpose.as_bytes());
        Self(ChaCha12Rng::from_seed(hasher.finalize().into()))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which is above zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True so many times in a thousand.
    pub fn permille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    /// One of `these`, if there is one.
    pub fn pick<'a, T>(&mut self, these: &'a [T]) -> Option<&'a T> {
        these.get(usize::try_from(self.below(these.len() as u64)).ok()?)
    }

    /// One of `these`, each as often as its weight says.
    pub fn weighed<T: Copy>(&mut self, these: &[(T, u64)]) -> Option<T> {
        let sum = these.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(sum);
        for (this, weight) in these {
            if left < *weight {
                return Some(*this);
            }
            left -= weight;
        }
        None
    }
}
