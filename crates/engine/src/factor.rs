//! What second factors are made of: codes of an authenticator (RFC 6238), and recovery codes.
//!
//! A code is HMAC-SHA-1 over the step of 30 seconds, six digits, which is what authenticator apps agree on. One step either
//! way is taken, since clocks differ; a step that was used, and any before it, is never taken again. The secret is derived
//! from its owner's name and its number, so that it lies nowhere; of recovery codes the digests are kept.

pub mod buyer;

use hmac::{Hmac, KeyInit, Mac};
use scrip_domain::Timestamp;
use scrip_domain::factor::{Factor, Proof, RECOVERY_CODES};
use scrip_license::{Digest as Hash, base32};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Engine;
use crate::throttle::{Guess, Limited, RetryAfter};

/// Milliseconds of a step.
const STEP: i64 = 30_000;
/// Codes are below this.
const CODES: u32 = 1_000_000;
/// Symbols of a recovery code: 60 bits.
const RECOVERY: usize = 12;

/// What somebody typed as a code.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Code {
    /// Six digits of an authenticator.
    Digits(u32),
    /// A recovery code, without its dashes.
    Recovery(String),
}

impl Code {
    /// Reads what was typed, spaces and dashes wherever they are; `None` when it can be no code.
    fn read(typed: &str) -> Option<Self> {
        let dash = |c: &char| !c.is_whitespace() && *c != '-';
        let plain: String = typed.chars().filter(dash).take(40).collect();
        match plain.len() {
            6 if plain.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.parse().ok().map(Self::Digits)
            }
            RECOVERY if plain.is_ascii() => Some(Self::Recovery(plain.to_ascii_lowercase())),
            _ => None,
        }
    }
}

/// Why a second factor stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorRefusal {
    /// The code is wrong, or was used.
    WrongCode,
    /// It is on already, or off already, or its owner is gone.
    NotNow,
    /// Too many tries.
    RateLimited(RetryAfter),
}

impl Engine {
    /// What the authenticator of `whom` has to know, in base32 (RFC 4648); `None` when nothing was begun, or it is on
    /// already and told no more.
    pub(crate) fn waiting_secret(&self, whom: &str, factor: &Factor) -> Option<String> {
        factor.waits().then(|| base32_of(&self.keys().factor_secret(whom, factor.issue)))
    }

    /// Begins a guess of a code of `whom`.
    pub(crate) fn guess_code(&self, whom: &str) -> Result<Guess<'_>, RetryAfter> {
        self.throttle.guess([(Limited::Factor, whom)], self.now())
    }

    /// What the code that somebody typed proves now, if it is one of the factor's of `whom`.
    pub(crate) fn proof(&self, whom: &str, factor: &Factor, typed: &str) -> Option<Proof> {
        match Code::read(typed)? {
            Code::Digits(code) => {
                let secret = self.keys().factor_secret(whom, factor.issue);
                let step = matching_step(&secret, code, self.now())?;
                Some(Proof::Step { issue: factor.issue, step })
            }
            Code::Recovery(code) => {
                let digest = digest(&code);
                factor.recovery.contains(&digest).then_some(Proof::Recovery(digest))
            }
        }
    }

    /// New recovery codes, which are told once, and their digests, which are kept.
    pub(crate) fn recovery_codes(&self) -> (Vec<String>, Vec<String>) {
        let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| self.recovery_code()).collect();
        let digests = codes.iter().map(|code| digest(&code.replace('-', ""))).collect();
        (codes, digests)
    }

    /// `abcd-efgh-jkmn`.
    fn recovery_code(&self) -> String {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        // 60 bits of chance in the last twelve of thirteen symbols.
        let symbols = base32::encode_lower(u64::from_be_bytes(bytes) >> 4);
        let text = std::str::from_utf8(&symbols).unwrap_or_default();
        let parts = [text.get(1..5), text.get(5..9), text.get(9..13)];
        parts.map(Option::unwrap_or_default).join("-")
    }
}

fn digest(code: &str) -> String {
    Hash(Sha256::digest(code.as_bytes()).into()).to_string()
}

/// Base32 (RFC 4648) without padding.
fn base32_of(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let mut text = String::new();
    while let Some(first) = bits.next() {
        let five = (0..4).fold(first, |five, _| (five << 1) | bits.next().unwrap_or(0));
        let symbol = SYMBOLS.get(usize::from(five)).copied().unwrap_or_default();
        text.push(char::from(symbol));
    }
    text
}

/// The step, of the three around `now`, whose code this is; the latest when several have it.
fn matching_step(secret: &[u8; 20], code: u32, now: Timestamp) -> Option<u64> {
    let now = u64::try_from(now.millis().checked_div(STEP)?).ok()?;
    let steps = [now.checked_add(1), Some(now), now.checked_sub(1)];
    steps.into_iter().flatten().find(|step| {
        let expected = code_at(secret, *step).to_be_bytes();
        bool::from(expected.ct_eq(&code.to_be_bytes()))
    })
}

/// The code of a step (RFC 4226, section 5.3).
fn code_at(secret: &[u8; 20], step: u64) -> u32 {
    let mut block = [0; 64];
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha1>::new(&block.into());
    mac.update(&step.to_be_bytes());
    let mac: [u8; 20] = mac.finalize().into_bytes().into();
    let [.., last] = mac;
    let offset = usize::from(last & 0xf);
    let four = mac.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied();
    let number = u32::from_be_bytes(four.unwrap_or_default()) & 0x7fff_ffff;
    number.checked_rem(CODES).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(code_at(secret, seconds / 30), code, "{seconds}");
        }
    }

    #[test]
    fn one_step_either_way_is_taken_and_no_more() {
        let secret = b"12345678901234567890";
        let now = Timestamp::from_millis(1_111_111_111_000);
        let step = 1_111_111_111 / 30;
        for (there, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let there = step + there;
            let code = code_at(secret, u64::try_from(there).unwrap());
            let found = matching_step(secret, code, now);
            assert_eq!(found, taken.then(|| u64::try_from(there).unwrap()), "{there}");
        }
    }

    #[test]
    fn secrets_are_written_as_the_standard_says() {
        // RFC 4648, section 10.
        let vectors =
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ")];
        for (bytes, text) in vectors {
            assert_eq!(base32_of(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(Code::read(" 123 456"), Some(Code::Digits(123_456)));
        assert_eq!(Code::read("abcd-EFGH-jkmn"), Some(Code::Recovery("abcdefghjkmn".into())));
        for bad in ["", "12345", "1234567", "abcdef", "abcd-efgh-jkmé", "１２３４５６"] {
            assert_eq!(Code::read(bad), None, "{bad}");
        }
    }
}
