//! Nonces that were seen.
//!
//! They lie in two generations, of which the older one is forgotten whole, at the earliest when nothing in it can be
//! used any more. So nothing has to be looked through, and what is kept is bounded.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, PoisonError};

use scrip_domain::{Span, Timestamp};
use sha2::{Digest, Sha256};

/// For how long a request is good: a minute before the receiver's time, and one after.
const WINDOW: Span = Span::seconds(121);

/// How many are remembered in a generation, of all servers together: some four megabytes.
const MOST: usize = 100_000;

/// How many of one server, so that none can keep the others from being heard.
const MOST_OF_ONE: u32 = 50_000;

/// What there is to say of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was never seen, and is remembered now.
    New,
    /// It was seen before.
    Before,
    /// It cannot be remembered, and so must not be believed.
    Full,
}

/// Nonces of the last minutes.
#[derive(Debug, Default)]
pub struct Nonces(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    since: Option<Timestamp>,
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    seen: HashSet<[u8; 16]>,
    of_each: HashMap<String, u32>,
}

impl Nonces {
    /// Notes a nonce of a request that `issuer` has signed.
    pub fn note(&self, issuer: &str, nonce: &str, now: Timestamp) -> Seen {
        let name = name(issuer, nonce);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.turn(now);
        if all.old.seen.contains(&name) || all.young.seen.contains(&name) {
            return Seen::Before;
        }
        let young = &mut all.young;
        let own = young.of_each.entry(issuer.to_owned()).or_default();
        if *own >= MOST_OF_ONE || young.seen.len() >= MOST {
            return Seen::Full;
        }
        *own = own.saturating_add(1);
        young.seen.insert(name);
        Seen::New
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp) {
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= WINDOW {
            self.old = mem::take(&mut self.young);
            self.since = Some(now);
        }
    }
}

/// 128 bits that stand for both. The issuer's length keeps them apart.
fn name(issuer: &str, nonce: &str) -> [u8; 16] {
    let digest = Sha256::digest(format!("{} {issuer} {nonce}", issuer.len()));
    let mut name = [0; 16];
    name.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32) -> Timestamp {
        Timestamp::from_millis(1_795_348_800_000).plus(Span::seconds(seconds))
    }

    #[test]
    fn a_nonce_is_new_once_while_it_can_be_used() {
        let nonces = Nonces::default();
        assert_eq!(nonces.note("https://a.example", "n", at(0)), Seen::New);
        for second in [0, 1, 60, 120, 121, 180, 241] {
            assert_eq!(nonces.note("https://a.example", "n", at(second)), Seen::Before, "{second}");
        }
        assert_eq!(nonces.note("https://b.example", "n", at(241)), Seen::New, "another server's");
        assert_eq!(nonces.note("https://a.example", "n", at(242)), Seen::New, "long forgotten");
    }

    #[test]
    fn one_server_cannot_fill_the_memory() {
        let nonces = Nonces::default();
        for number in 0..MOST_OF_ONE {
            assert_eq!(nonces.note("https://a.example", &number.to_string(), at(0)), Seen::New);
        }
        assert_eq!(nonces.note("https://a.example", "more", at(0)), Seen::Full);
        assert_eq!(nonces.note("https://b.example", "more", at(0)), Seen::New);
        assert_eq!(nonces.note("https://a.example", "more", at(121)), Seen::New);
    }
}
