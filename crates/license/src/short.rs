//! Short codes: the form of an authorization code that a person types or reads out.
//!
//! ```text
//! 028T5-CY4TQ-KFF8D-DD93N-VARTJ
//! LLLLL-LLLLL-LLLMM-MMMMM-MMMMC    license, mac, check symbol
//! ```
//!
//! Twenty-five symbols in five groups. The first 13 are the license's number. The next 11 are 55 bits of
//! HMAC-SHA-256 (RFC 2104) over license and issue number: only the server, which holds the code secret,
//! can make or check them, so there is nothing to store and nothing to index. The last symbol finds
//! typing errors before anything is looked up: every single wrong symbol and every two symbols in each
//! other's place, adjacent or not. It is no protection against forgers.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::base32;

/// Symbols of a short code, dashes not counted: license, mac and check symbol.
const LENGTH: usize = base32::LENGTH + MAC_LENGTH + 1;

/// Eleven symbols: 55 bits.
const MAC_LENGTH: usize = 11;

/// A short code: which license it names, and the proof that a server made it.
///
/// Whoever has the text has the license: `Debug` shows the license number alone, and two codes cannot
/// be compared with `==`, which would not take constant time.
#[derive(Clone, Copy)]
pub struct ShortCode {
    license: u64,
    mac: u64,
}

/// Why a text is not a short code. Nothing has been looked up yet: the person mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShortCodeError {
    /// There are fewer or more than 25 symbols.
    #[error("a short code has 25 symbols")]
    Length,
    /// A character that is no symbol of the alphabet, no dash and no space.
    #[error("`{0}` does not occur in short codes")]
    Symbol(char),
    /// The check symbol does not fit the others.
    #[error("the short code is mistyped")]
    Check,
    /// The license number is above 2^63 - 1; no server made this code.
    #[error("the short code names no license")]
    License,
}

impl ShortCode {
    /// The short code of one issue of a license.
    ///
    /// `license` is the number of the license's identifier, at most [`base32::MAX`] (above it the text
    /// is one that [`ShortCode::parse`] refuses); `issue` is 1 for the first issue and grows with each
    /// re-issue, and older codes no longer match.
    pub fn encode(secret: &[u8; 32], license: u64, issue: u32) -> Self {
        Self { license, mac: mac(secret, license, issue) }
    }

    /// Reads what a person typed.
    ///
    /// Upper and lower case are equal, dashes and spaces may be anywhere or nowhere, I and L are read as
    /// 1 and O as 0. The proof is not checked: see [`ShortCode::matches`].
    pub fn parse(text: &str) -> Result<Self, ShortCodeError> {
        let mut digits = [0; LENGTH];
        let mut places = digits.iter_mut();
        for character in text.chars().filter(|character| !is_separator(*character)) {
            let digit = digit(character).ok_or(ShortCodeError::Symbol(character))?;
            *places.next().ok_or(ShortCodeError::Length)? = digit;
        }
        if places.next().is_some() {
            return Err(ShortCodeError::Length);
        }
        let (license, rest) = digits.split_at(base32::LENGTH);
        let (mac, check) = rest.split_at(MAC_LENGTH);
        if check != [check_digit(license.iter().chain(mac))] {
            return Err(ShortCodeError::Check);
        }
        let license = base32::number(license).ok_or(ShortCodeError::License)?;
        let mac = base32::number(mac).ok_or(ShortCodeError::License)?;
        Ok(Self { license, mac })
    }

    /// The number of the license that the code names, at most 2^63 - 1.
    pub fn license(&self) -> u64 {
        self.license
    }

    /// Whether a server with this secret made the code for this issue of its license.
    ///
    /// Takes the same time whatever the answer. 55 bits withstand guessing only where wrong tries are
    /// limited: that is the caller's part.
    #[must_use]
    pub fn matches(&self, secret: &[u8; 32], issue: u32) -> bool {
        mac(secret, self.license, issue).ct_eq(&self.mac).into()
    }
}

impl FromStr for ShortCode {
    type Err = ShortCodeError;

    /// The same as [`ShortCode::parse`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for ShortCode {
    /// Five upper-case groups of five, joined by dashes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        let license = base32::digits::<{ base32::LENGTH }>(self.license);
        let mac = base32::digits::<MAC_LENGTH>(self.mac);
        let check = check_digit(license.iter().chain(&mac));
        for (place, digit) in license.into_iter().chain(mac).chain([check]).enumerate() {
            if place > 0 && place.is_multiple_of(5) {
                f.write_char('-')?;
            }
            f.write_char(char::from(base32::symbol(digit).to_ascii_uppercase()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortCode").field("license", &self.license).finish_non_exhaustive()
    }
}

/// The first 55 bits of HMAC-SHA-256(secret, license as 8 bytes || issue as 4 bytes), big-endian.
fn mac(secret: &[u8; 32], license: u64, issue: u32) -> u64 {
    // A key of 32 bytes is within every HMAC's limits: this is `new_from_slice` without its error.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (place, byte) in block.iter_mut().zip(secret) {
        *place = *byte;
    }
    let mut hmac = Hmac::<Sha256>::new(&block);
    hmac.update(&license.to_be_bytes());
    hmac.update(&issue.to_be_bytes());
    let bits = hmac.finalize().into_bytes();
    bits.iter().take(8).fold(0, |high, byte| (high << 8) | u64::from(*byte))
        >> (64 - 5 * MAC_LENGTH)
}

/// The digit that makes the weighted sum of all 25 digits zero in GF(32).
///
/// The weights are the powers of x, from x^24 for the first symbol down to 1 for the check symbol. They
/// differ, because x generates all 31 nonzero elements. A single error of d != 0 at weight w changes the
/// sum by w*d != 0; two symbols a != b in each other's place, at weights v and w, change it by
/// (v + w)*(a + b) != 0. Hence both are always found.
pub(crate) fn check_digit<'a>(digits: impl Iterator<Item = &'a u8>) -> u8 {
    digits.fold(0, |sum, digit| times_x(sum ^ digit))
}

/// Multiplication by x in GF(32), modulo the primitive polynomial x^5 + x^2 + 1.
fn times_x(element: u8) -> u8 {
    let shifted = element << 1;
    if shifted & 0b10_0000 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

/// What people and their mail programs put between the groups: spaces, and dashes of all lengths.
pub(crate) fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}')
}

pub(crate) fn digit(character: char) -> Option<u8> {
    let symbol = match character.to_ascii_lowercase() {
        'i' | 'l' => b'1',
        'o' => b'0',
        other => u8::try_from(other).ok()?,
    };
    base32::value(symbol)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: [u8; 32] = *b"an example secret of thirty-two.";

    fn text_of(digits: [u8; LENGTH]) -> String {
        digits.map(|digit| char::from(base32::symbol(digit))).iter().collect()
    }

    fn digits_of(code: ShortCode) -> [u8; LENGTH] {
        let digits: Vec<u8> = code.to_string().chars().filter_map(digit).collect();
        digits.try_into().unwrap()
    }

    #[test]
    fn the_form_is_stable() {
        // Computed independently with Python's hmac module and a table of GF(32).
        let code = ShortCode::encode(&SECRET, 0x0123_4567_89ab_cdef, 7);
        assert_eq!(code.to_string(), "028T5-CY4TQ-KFF8D-DD93N-VARTJ");
    }

    #[test]
    fn people_may_type_as_they_like() {
        let code = ShortCode::encode(&SECRET, 1 << 60, 1);
        let text = code.to_string();
        let variants = [
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', " "),
            text.replace('-', "\u{2013}"),
            text.replace('1', "I").replace('0', "O"),
            text.replace('1', "l").replace('0', "o"),
            format!("  {text}\r\n"),
        ];
        for variant in variants {
            let read = ShortCode::parse(&variant).unwrap();
            assert_eq!(read.to_string(), text, "{variant:?}");
            assert!(read.matches(&SECRET, 1));
        }
    }

    #[test]
    fn mistakes_are_named() {
        let text = ShortCode::encode(&SECRET, 42, 1).to_string();
        let error = |text: &str| ShortCode::parse(text).unwrap_err();
        assert_eq!(error(""), ShortCodeError::Length);
        assert_eq!(error(&text[1..]), ShortCodeError::Length);
        assert_eq!(error(&format!("{text}0")), ShortCodeError::Length);
        assert_eq!(error(&text.replacen('0', "U", 1)), ShortCodeError::Symbol('U'));
        assert_eq!(error(&text.replacen('0', "\u{130}", 1)), ShortCodeError::Symbol('\u{130}'));
        assert_eq!(error(&text.replacen('0', "Z", 1)), ShortCodeError::Check);
        let above = ShortCode { license: base32::MAX + 1, mac: 0 }.to_string();
        assert_eq!(error(&above), ShortCodeError::License);
    }

    #[test]
    fn weights_of_the_check_symbol_differ() {
        let mut weights = vec![1];
        while weights.len() < 31 {
            weights.push(times_x(weights[weights.len() - 1]));
        }
        weights.sort_unstable();
        assert_eq!(weights, (1..32).collect::<Vec<u8>>());
    }

    #[test]
    fn every_wrong_symbol_and_every_exchange_of_two_is_found() {
        // The sum is linear, so whether an error is found depends on the error alone: all pairs of
        // values at all places of one code are all errors of all codes.
        for right in 0..32 {
            for wrong in (0..32).filter(|wrong| *wrong != right) {
                for place in 0..LENGTH {
                    let mut digits = [0; LENGTH];
                    digits[place] = right;
                    let sum = |digits: [u8; LENGTH]| {
                        check_digit(digits[..LENGTH - 1].iter()) ^ digits[LENGTH - 1]
                    };
                    let before = sum(digits);
                    digits[place] = wrong;
                    assert_ne!(before, sum(digits), "{right} became {wrong} at {place}");
                    for other in (0..LENGTH).filter(|other| *other != place) {
                        let mut digits = [0; LENGTH];
                        (digits[place], digits[other]) = (right, wrong);
                        let before = sum(digits);
                        digits.swap(place, other);
                        assert_ne!(before, sum(digits), "{place} exchanged with {other}");
                    }
                }
            }
        }
    }

    #[test]
    fn debug_hides_the_proof() {
        let code = ShortCode::encode(&SECRET, 42, 1);
        assert_eq!(format!("{code:?}"), "ShortCode { license: 42, .. }");
    }

    proptest! {
        #[test]
        fn a_code_survives(secret: [u8; 32], license in 0..=base32::MAX, issue: u32) {
            let code = ShortCode::encode(&secret, license, issue);
            let text = code.to_string();
            prop_assert_eq!(text.len(), 29);
            let read = ShortCode::parse(&text).unwrap();
            prop_assert_eq!(read.license(), license);
            prop_assert!(read.matches(&secret, issue));
            prop_assert!(!read.matches(&secret, issue.wrapping_add(1)));
        }

        #[test]
        fn a_mistyped_code_is_refused(
            license in 0..=base32::MAX, place in 0..LENGTH, change in 1_u8..32, swap in 1..LENGTH,
        ) {
            let digits = digits_of(ShortCode::encode(&SECRET, license, 1));
            let mut wrong = digits;
            wrong[place] ^= change;
            prop_assert_eq!(ShortCode::parse(&text_of(wrong)).unwrap_err(), ShortCodeError::Check);
            let mut exchanged = digits;
            exchanged.swap(swap - 1, swap);
            if exchanged != digits {
                let error = ShortCode::parse(&text_of(exchanged)).unwrap_err();
                prop_assert_eq!(error, ShortCodeError::Check);
            }
        }

        #[test]
        fn another_proof_does_not_match(license in 0..=base32::MAX, bit in 0..5 * MAC_LENGTH) {
            let code = ShortCode::encode(&SECRET, license, 1);
            let forged = ShortCode { mac: code.mac ^ (1 << bit), ..code };
            prop_assert!(!ShortCode::parse(&forged.to_string()).unwrap().matches(&SECRET, 1));
        }

        #[test]
        fn any_text_is_read_without_a_panic(
            text: String, near in "[0-9A-TV-Za-tv-z]{25}", spaced in "[0-9A-Za-z -]{20,35}",
        ) {
            prop_assert!(ShortCode::parse(&text).is_err());
            for text in [near, spaced] {
                if let Ok(code) = ShortCode::parse(&text) {
                    prop_assert_eq!(digits_of(code).to_vec(), text.chars().filter_map(digit).collect::<Vec<u8>>());
                }
            }
        }
    }
}
