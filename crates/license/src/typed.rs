//! Symbols of chance that people type: references for bank forms, vouchers.

use std::fmt;

use crate::base32;
use crate::short::{check_digit, digit, is_separator};

/// `N` symbols, the last of them a check symbol, written in upper-case groups of five. The check symbol
/// is that of a [`crate::ShortCode`]: it finds every wrong symbol and every two in each other's place.
///
/// Whoever has the text may have what it stands for: `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct Typed<const N: usize>([u8; N]);

impl<const N: usize> Typed<N> {
    /// Five bits from each byte of `chance`, but for the last: its place takes the check symbol.
    pub fn of_chance(chance: [u8; N]) -> Self {
        let mut digits = chance.map(|byte| byte & 31);
        if let Some((check, rest)) = digits.split_last_mut() {
            *check = check_digit(rest.iter());
        }
        Self(digits)
    }

    /// Reads what a person typed: upper and lower case are equal, dashes and spaces may be anywhere, I and
    /// L are read as 1 and O as 0. `None` when the symbols are too few or too many, or do not fit together.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = [0; N];
        let mut places = digits.iter_mut();
        for character in text.chars().filter(|character| !is_separator(*character)) {
            *places.next()? = digit(character)?;
        }
        let whole = places.next().is_none();
        let (check, rest) = digits.split_last()?;
        (whole && *check == check_digit(rest.iter())).then_some(Self(digits))
    }
}

impl<const N: usize> fmt::Display for Typed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        for (place, digit) in self.0.into_iter().enumerate() {
            if place > 0 && place.is_multiple_of(5) {
                f.write_char('-')?;
            }
            f.write_char(char::from(base32::symbol(digit).to_ascii_uppercase()))?;
        }
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for Typed<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_however_it_is_typed(chance in any::<[u8; 10]>()) {
            let text = Typed::of_chance(chance).to_string();
            prop_assert_eq!(text.len(), 11);
            for typed in [text.to_lowercase(), text.replace('-', " "), text.replace('0', "o")] {
                prop_assert_eq!(Typed::<10>::parse(&typed).map(|read| read.to_string()), Some(text.clone()));
            }
            prop_assert!(Typed::<10>::parse(&text[1..]).is_none());
            let longer = text + "0";
            prop_assert!(Typed::<10>::parse(&longer).is_none());
        }

        #[test]
        fn one_wrong_symbol_is_found(chance in any::<[u8; 10]>(), place in 0_usize..10, other in 1_u8..32) {
            let mut digits = Typed::of_chance(chance).0;
            digits[place] ^= other;
            prop_assert!(Typed::<10>::parse(&Typed(digits).to_string()).is_none());
        }
    }
}
