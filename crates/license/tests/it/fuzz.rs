//! Arbitrary and damaged papers: nothing panics, and nothing is good that was not signed.
//!
//! The damage is chosen by a small generator with fixed seeds, so that 200 000 cases take seconds, and are the same
//! on every machine.

use std::collections::{BTreeMap, BTreeSet};

use scrip_license::{
    ActivationRequest, Claims, ClockFile, Expect, KeySet, Lease, LicenseFile, Meter, Offline,
    Policy, Reason, Revocations, SigningKey, Successor, jws, machine,
};

use crate::{ISSUER, PRODUCT, START, key, keys, lease, uses};

/// `SplitMix64`: as much chance as is needed here.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % (most.max(1) as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Something like the text, damaged in one to three ways; or no text at all.
    fn damaged(&mut self, text: &str, other: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(8) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = self.byte(),
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(..at)),
                4 => bytes.insert(at, b".=-_{}\"\\\n\0Aa0"[self.below(13)]),
                5 => {
                    // A piece of another paper in the same place.
                    let end = other.len().min(at + self.below(40));
                    let piece = other.as_bytes().get(at..end).unwrap_or_default().to_vec();
                    let place = at..bytes.len().min(at + piece.len());
                    bytes.splice(place, piece);
                }
                6 => {
                    // A part, between dots, of another one.
                    let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'.').collect();
                    let others: Vec<&[u8]> = other.as_bytes().split(|byte| *byte == b'.').collect();
                    let part = self.below(parts.len());
                    parts[part] = others[self.below(others.len())];
                    bytes = parts.join(&b'.');
                }
                _ => bytes = (0..self.below(200)).map(|_| self.byte()).collect(),
            }
        }
        bytes
    }
}

fn list() -> Revocations {
    Revocations {
        issuer: ISSUER.into(),
        issued_at: START,
        product: None,
        dead: BTreeMap::from([("lic_dead".to_owned(), (1, Reason::Revoked))]),
        ended: BTreeSet::from(["lea_ended".to_owned()]),
    }
}

struct Papers {
    code: String,
    lease: String,
    list: String,
    link: String,
    foreign: String,
}

fn papers() -> Papers {
    let next = SigningKey::from_seed([9; 32]);
    let link = Successor { issuer: ISSUER.into(), jwk: next.public().clone() };
    Papers {
        code: uses().sign(&key()).unwrap(),
        lease: lease().sign(&key()).unwrap(),
        list: list().sign(&key()).unwrap(),
        link: link.sign(&key()).unwrap(),
        foreign: uses().sign(&SigningKey::from_seed([8; 32])).unwrap(),
    }
}

fn offline(keys: &KeySet) -> Offline<'_> {
    Offline {
        keys,
        expect: Expect { issuer: Some(ISSUER), product: Some(PRODUCT) },
        machine: machine("desk"),
        revocations: None,
        policy: Policy::default(),
    }
}

/// Codes, leases, lists and links, damaged 200 000 times.
#[test]
fn no_damaged_paper_is_good() {
    let (papers, keys) = (papers(), keys());
    let offline = offline(&keys);
    assert!(offline.check(&papers.code, Some(&papers.lease), START).is_valid());
    let all = [&papers.code, &papers.lease, &papers.list, &papers.link, &papers.foreign];
    let mut chance = Chance(6);
    for _ in 0..50_000 {
        let other = all[chance.below(all.len())];
        let [code, lease, list, link] = [&papers.code, &papers.lease, &papers.list, &papers.link]
            .map(|paper| String::from_utf8_lossy(&chance.damaged(paper, other)).into_owned());
        // Two damages can undo each other, and whitespace around a paper is none.
        if code.trim() != papers.code {
            assert!(!offline.check(&code, Some(&papers.lease), START).is_valid(), "{code}");
        }
        if lease.trim() != papers.lease {
            let permit = offline.check(&papers.code, Some(&lease), START);
            assert!(!permit.is_valid() && permit.lease.is_none(), "{lease}");
        }
        if list.trim() != papers.list {
            assert!(Revocations::read(&list, &keys).is_err(), "{list}");
        }
        if link.trim() != papers.link {
            assert_eq!(keys.clone().follow(ISSUER, &[&link]), 0, "{link}");
        }
    }
}

/// What a license file holds is judged as if it had come without one.
#[test]
fn no_damaged_license_file_is_good() {
    let (papers, keys) = (papers(), keys());
    let file = LicenseFile {
        code: papers.code.clone(),
        keys: vec![papers.link.clone()],
        lease: Some(papers.lease.clone()),
        revocations: Some(papers.list.clone()),
    };
    let text = serde_json::to_string(&file).unwrap();
    let mut chance = Chance(7);
    let mut read = 0;
    for _ in 0..20_000 {
        let damaged = String::from_utf8_lossy(&chance.damaged(&text, &papers.foreign)).into_owned();
        let Ok(damaged) = damaged.parse::<LicenseFile>() else { continue };
        read += 1;
        let keys = damaged.keys_from(&keys, ISSUER);
        let permit = offline(&keys).check(&damaged.code, damaged.lease.as_deref(), START);
        let is_whole = damaged.code.trim() == papers.code
            && damaged.lease.as_deref().map(str::trim) == Some(&papers.lease);
        assert_eq!(permit.is_valid(), is_whole);
    }
    assert!(read > 1_000, "damage that leaves the JSON whole is the interesting kind: {read}");
}

/// Genuine signatures over claims of any form, such as a vendor with other software could make.
#[test]
fn strange_claims_of_a_known_key_are_read_without_a_panic() {
    let keys = keys();
    let numbers =
        ["0", "-1", "1e99", "18446744073709551615", "18446744073709551616", "null", "\"x\"", "[]"];
    let plain = serde_json::to_string(&lease()).unwrap();
    let code = serde_json::to_string(&uses()).unwrap();
    let (good_code, good_lease) = (uses().sign(&key()).unwrap(), lease().sign(&key()).unwrap());
    let mut chance = Chance(8);
    for _ in 0..3_000 {
        let number = numbers[chance.below(numbers.len())];
        let claims = [&plain, &code][chance.below(2)].replace("1795000000", number);
        let damaged = String::from_utf8_lossy(&chance.damaged(&claims, &code)).into_owned();
        let typ = [Claims::TYP, Lease::TYP, Revocations::TYP, Successor::TYP][chance.below(4)];
        let claims = [claims, damaged].map(|claims| serde_json::from_str(&claims));
        for claims in claims.into_iter().flatten() {
            let claims: serde_json::Value = claims;
            let signed = jws::sign(&key(), typ, &claims).unwrap();
            let permit = offline(&keys).check(&signed, Some(&signed), chance.next());
            assert!(!permit.is_valid(), "no paper is code and lease at once");
            // Beside the one that is good: nobody signs such a code, but a lease may say strange things.
            let _ = offline(&keys).check(&good_code, Some(&signed), chance.next());
            let _ = offline(&keys).check(&signed, Some(&good_lease), chance.next());
            let _ = Revocations::read(&signed, &keys);
            assert_eq!(keys.clone().follow(ISSUER, &[&signed]), 0);
        }
    }
}

/// Files that a program keeps beside itself, and what people carry around.
#[test]
fn no_damaged_state_file_counts_and_a_damaged_request_is_read_for_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let (meter, clock) = (dir.path().join("meter"), dir.path().join("clock"));
    Meter::begin(&meter, &lease(), START, 60).unwrap().take(2).unwrap();
    ClockFile::open(&clock, machine("desk"))
        .unwrap()
        .at(START, &Policy::default())
        .unwrap()
        .unwrap();
    let good = [&meter, &clock].map(|path| std::fs::read_to_string(path).unwrap());
    let request = ActivationRequest {
        code: uses().sign(&key()).unwrap(),
        fingerprint: "desk".into(),
        name: None,
        product: None,
    };
    let mut chance = Chance(9);
    // Each case waits for the disk; what the files hold is read in the unit tests, too.
    for _ in 0..300 {
        let bytes = chance.damaged(&good[0], &good[1]);
        std::fs::write(&meter, &bytes).unwrap();
        // Behind a whole count a crash may have left the beginning of a mark.
        if !bytes.starts_with(good[0].as_bytes()) {
            assert!(Meter::open(&meter, &lease()).is_err());
        } else if let Ok(meter) = Meter::open(&meter, &lease()) {
            assert_eq!(meter.used(), 2);
        }
        let bytes = chance.damaged(&good[1], &good[0]);
        std::fs::write(&clock, &bytes).unwrap();
        let mut opened = ClockFile::open(&clock, machine("desk")).unwrap();
        let at = opened.at(START, &Policy::default()).unwrap();
        assert_eq!(at.is_ok(), bytes == good[1].as_bytes());

        let text =
            String::from_utf8_lossy(&chance.damaged(&request.to_string(), &good[0])).into_owned();
        if let Ok(read) = text.parse::<ActivationRequest>() {
            let again = read.to_string().parse::<ActivationRequest>();
            assert_eq!(again.unwrap(), read, "it says one thing, and the server judges it");
        }
    }
}
