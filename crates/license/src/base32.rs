//! Numbers below 2^63 as 13 symbols of Crockford's base32, the text of identifiers and short codes.
//!
//! Crockford's alphabet has no I, L, O and U, so that a person can read a number out. Thirteen symbols
//! hold 65 bits; the first is therefore `0` to `7` in a canonical number. Identifiers are written in
//! lower case and read back in their canonical form only, so that equal identifiers are equal texts and
//! sort like their numbers. [`crate::ShortCode`] is the forgiving reader, for what people type.

const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";

/// Symbols in the text of one number.
pub const LENGTH: usize = 13;

/// The largest number that has a text: 2^63 - 1.
pub const MAX: u64 = u64::MAX >> 1;

/// The text of a number, in lower-case ASCII.
///
/// A number above [`MAX`] gives a text that [`decode`] refuses.
///
/// ```
/// assert_eq!(&scrip_license::base32::encode_lower(33), b"0000000000011");
/// ```
pub fn encode_lower(number: u64) -> [u8; LENGTH] {
    digits::<LENGTH>(number).map(symbol)
}

/// The number of a text that [`encode_lower`] wrote; `None` for every other text.
///
/// ```
/// use scrip_license::base32::decode;
/// assert_eq!(decode("0000000000011"), Some(33));
/// assert_eq!(decode("000000000001I"), None);
/// ```
pub fn decode(text: &str) -> Option<u64> {
    let text: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
    let mut digits = [0; LENGTH];
    for (digit, symbol) in digits.iter_mut().zip(text) {
        *digit = value(*symbol)?;
    }
    number(&digits)
}

/// The lowest `N` digits of a number in base 32, the highest first.
pub(crate) fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        let [lowest, ..] = number.to_le_bytes();
        *digit = lowest & 31;
        number >>= 5;
    }
    digits
}

/// The number of these digits, the highest first; `None` above [`MAX`].
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        (number <= MAX >> 5).then_some((number << 5) | u64::from(*digit))
    })
}

/// The symbol of a digit, in lower case.
#[expect(clippy::indexing_slicing, reason = "five bits into 32 symbols")]
pub(crate) fn symbol(digit: u8) -> u8 {
    ALPHABET[usize::from(digit & 31)]
}

/// The digit of a lower-case symbol.
pub(crate) fn value(symbol: u8) -> Option<u8> {
    let offset = match symbol {
        b'0'..=b'9' => b'0',
        b'a'..=b'h' => b'a' - 10,
        b'j' | b'k' => b'j' - 18,
        b'm' | b'n' => b'm' - 20,
        b'p'..=b't' => b'p' - 22,
        b'v'..=b'z' => b'v' - 27,
        _ => return None,
    };
    symbol.checked_sub(offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_symbol_has_its_value_and_no_other_byte_has_one() {
        for byte in 0..=255 {
            let position = ALPHABET.iter().position(|symbol| *symbol == byte);
            assert_eq!(value(byte).map(usize::from), position, "byte {byte}");
        }
    }

    #[test]
    fn the_edges() {
        assert_eq!(&encode_lower(0), b"0000000000000");
        assert_eq!(&encode_lower(MAX), b"7zzzzzzzzzzzz");
        assert_eq!(decode("7zzzzzzzzzzzz"), Some(MAX));
        for refused in ["", "8000000000000", "fzzzzzzzzzzzz", "zzzzzzzzzzzzz", "7ZZZZZZZZZZZZ"] {
            assert_eq!(decode(refused), None, "{refused}");
        }
        assert_eq!(decode(str::from_utf8(&encode_lower(MAX + 1)).unwrap()), None);
        assert_eq!(decode("000000000000"), None, "too short");
        assert_eq!(decode("00000000000000"), None, "too long");
        assert_eq!(decode("000000000000l"), None, "no look-alikes");
    }

    proptest! {
        #[test]
        fn numbers_survive_and_sort_like_their_texts(a in 0..=MAX, b in 0..=MAX) {
            let (a_text, b_text) = (encode_lower(a), encode_lower(b));
            prop_assert_eq!(decode(str::from_utf8(&a_text).unwrap()), Some(a));
            prop_assert_eq!(a.cmp(&b), a_text.cmp(&b_text));
        }

        #[test]
        fn what_decodes_is_canonical(text in "[0-9a-zA-Z]{13}") {
            if let Some(number) = decode(&text) {
                prop_assert_eq!(encode_lower(number).to_vec(), text.into_bytes());
            }
        }
    }
}
