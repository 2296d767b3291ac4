//! From the key that a program was shipped with to the vendor's keys of today, offline.
//!
//! ```text
//! key 1 ──signs──▶ "key 2 is ours, too" ──key 2 signs──▶ "key 3 is ours, too" …
//! ```
//!
//! Each key is announced by the one before it. A program that knows any of them follows the chain to the newest,
//! wherever it got it from: beside a download, in a license file, from the server.

use serde::{Deserialize, Serialize};

use crate::jws::{self, SignError};
use crate::key::{KeySet, PublicKey, SigningKey};

/// The announcement of a new key by the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// `iss`: the vendor, as in its codes.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// `jwk`: the new key.
    pub jwk: PublicKey,
}

impl Successor {
    /// The `typ` of announcements.
    pub const TYP: &'static str = "scrip-key+jwt";

    /// The announcement, signed by the key before.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SignError> {
        jws::sign(key, Self::TYP, self)
    }
}

impl KeySet {
    /// Takes every key in that a key of this set, or one that was just taken in, announces as `issuer`'s. The order
    /// of the chain does not matter; what is not believed is passed over. Gives how many keys came in.
    pub fn follow<T: AsRef<str>>(&mut self, issuer: &str, chain: &[T]) -> usize {
        let mut taken = 0_usize;
        loop {
            let before = taken;
            for link in chain {
                let Ok(successor) =
                    jws::verify::<Successor>(link.as_ref().trim(), Successor::TYP, self)
                else {
                    continue;
                };
                if successor.issuer == issuer && self.get(successor.jwk.kid()).is_none() {
                    self.extend([successor.jwk]);
                    taken = taken.saturating_add(1);
                }
            }
            if taken == before {
                return taken;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(keys: &[SigningKey]) -> Vec<String> {
        let announce = |pair: &[SigningKey]| {
            let jwk = pair[1].public().clone();
            Successor { issuer: "https://shop.example".into(), jwk }.sign(&pair[0]).unwrap()
        };
        keys.windows(2).map(announce).collect()
    }

    #[test]
    fn a_program_follows_from_any_key_to_the_newest() {
        let keys = [1, 2, 3, 4].map(|seed| SigningKey::from_seed([seed; 32]));
        let mut chain = chain_of(&keys);
        chain.reverse();
        let newest = keys[3].kid();
        for shipped in &keys[..3] {
            let mut set: KeySet = [shipped.public().clone()].into_iter().collect();
            assert!(set.follow("https://shop.example", &chain) > 0);
            assert!(set.get(newest).is_some());
            assert_eq!(set.follow("https://shop.example", &chain), 0, "it knows them all");
        }
    }

    #[test]
    fn nobody_else_can_announce_a_key() {
        let keys = [1, 2, 3].map(|seed| SigningKey::from_seed([seed; 32]));
        let mut set: KeySet = [keys[0].public().clone()].into_iter().collect();
        assert_eq!(set.follow("https://other.example", &chain_of(&keys)), 0, "another issuer's");
        assert_eq!(set.follow("https://shop.example", &chain_of(&keys[1..])), 0, "a gap");
        assert_eq!(set.follow("https://shop.example", &["", "a.b.c"]), 0);
        let forged = chain_of(&[9, 3].map(|seed| SigningKey::from_seed([seed; 32])));
        assert_eq!(set.follow("https://shop.example", &forged), 0, "a strange key's word");
    }
}
