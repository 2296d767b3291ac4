//! Amounts of tokens and money: whole numbers of the smallest unit, never a float.
//!
//! An [`Amount`] has no operators on purpose: every addition can overflow and every subtraction can
//! go below zero, and in a ledger both are questions to answer, not accidents to have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of smallest units (of a token or a currency), at most [`Amount::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Amount(u64);

impl Amount {
    /// No units.
    pub const ZERO: Self = Self(0);
    /// The smallest amount that is more than nothing.
    pub const ONE: Self = Self(1);
    /// The largest amount, 10^15: it fits a JSON number exactly, and 9 000 of them fit a counter.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// An amount of `units` smallest units; `None` above [`Amount::MAX`].
    pub const fn new(units: u64) -> Option<Self> {
        if units <= Self::MAX.0 { Some(Self(units)) } else { None }
    }

    /// The number of smallest units.
    pub const fn units(self) -> u64 {
        self.0
    }

    /// Whether there is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` above [`Amount::MAX`].
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `times` as much, or `None` above [`Amount::MAX`].
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.0.checked_mul(times).and_then(Self::new)
    }

    /// `part` of `whole` equal parts, rounded down; `None` of none, or of more than there are.
    pub fn share(self, part: u64, whole: u64) -> Option<Self> {
        self.share_and_rest(part, whole).map(|(share, _)| share)
    }

    /// The same, and what rounding took from it, in `whole`ths of a unit.
    pub fn share_and_rest(self, part: u64, whole: u64) -> Option<(Self, u64)> {
        let whole = u128::from(whole);
        let product = u128::from(self.0).checked_mul(u128::from(part))?;
        let share = u64::try_from(product.checked_div(whole)?).ok()?;
        let rest = u64::try_from(product.checked_rem(whole)?).ok()?;
        (share <= self.0).then_some((Self(share), rest))
    }

    /// What is missing from `self` to reach `required`: zero when there is enough.
    #[must_use]
    pub fn shortfall(self, required: Self) -> Self {
        Self(required.0.saturating_sub(self.0))
    }

    /// The sum of all, or `None` above [`Amount::MAX`].
    pub fn try_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Reads what people write, with at most `scale` decimals: `12.5` at scale 2 is `1250`.
    pub fn parse_decimal(text: &str, scale: u8) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // A fraction may end in zeros that the scale does not need, but in nothing else.
        let fraction =
            if are_digits(fraction) { fraction.trim_end_matches('0') } else { return None };
        let scale = usize::from(scale);
        if !are_digits(whole) || fraction.len() > scale {
            return None;
        }
        format!("{whole}{fraction:0<scale$}").parse().ok().and_then(Self::new)
    }

    /// The amount as people write it, with `scale` decimals: `1250` at scale 2 is `12.50`.
    pub fn decimal(self, scale: u8) -> Decimal {
        Decimal { amount: self, scale }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = u64::deserialize(deserializer)?;
        Self::new(units).ok_or_else(|| serde::de::Error::custom("an amount is at most 10^15"))
    }
}

/// An [`Amount`] with its decimal point, for display only.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    amount: Amount,
    scale: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let one = 10_u64.saturating_pow(u32::from(self.scale));
        let whole = self.amount.0.checked_div(one).unwrap_or_default();
        let fraction = self.amount.0.checked_rem(one).unwrap_or_default();
        if scale == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{fraction:0scale$}") }
    }
}

/// A token code (`AUR`) or an ISO 4217 currency code (`EUR`): 3 to 8 of `A-Z0-9`, a letter first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit([u8; 8]);

impl Unit {
    /// Reads a code; `None` when it is not one.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes = code.as_bytes();
        let well_formed = (3..=8).contains(&bytes.len())
            && bytes.first().is_some_and(u8::is_ascii_uppercase)
            && bytes.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !well_formed {
            return None;
        }
        let mut unit = [0; 8];
        unit.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Some(Self(unit))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        self.0.get(..length).and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
    }

    /// The decimals of a currency (ISO 4217). A token's are its vendor's choice.
    pub fn currency_scale(&self) -> u8 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Unit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not a token or currency code"))
    }
}

/// An amount in a named unit, as it crosses the edges of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How many smallest units.
    pub amount: Amount,
    /// Of what.
    pub unit: Unit,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_print_with_their_decimals() {
        let shown = |units, scale| Amount::new(units).unwrap().decimal(scale).to_string();
        assert_eq!(shown(1250, 2), "12.50");
        assert_eq!(shown(7, 4), "0.0007");
        assert_eq!(shown(0, 6), "0.000000");
        assert_eq!(shown(42, 0), "42");
    }

    #[test]
    fn what_people_write_is_read_exactly_or_not_at_all() {
        let read = |text, scale| Amount::parse_decimal(text, scale).map(Amount::units);
        assert_eq!(read("12.50", 2), Some(1250));
        assert_eq!(read("12.5", 2), Some(1250));
        assert_eq!(read("12", 2), Some(1200));
        assert_eq!(read("12.500", 2), Some(1250));
        assert_eq!(read("0.0007", 4), Some(7));
        assert_eq!(read("42", 0), Some(42));
        assert_eq!(read("42.0", 0), Some(42));
        for bad in ["", ".5", "5.", "1.234", "-1", "+1", "1e3", "1,5", "1.5.0", "1000000000000001"]
        {
            assert_eq!(read(bad, 2), None, "{bad}");
        }
    }

    #[test]
    fn units_are_short_upper_case_codes() {
        assert_eq!(Unit::parse("AUR").unwrap().as_str(), "AUR");
        assert_eq!(Unit::parse("TOKENS12").unwrap().as_str(), "TOKENS12");
        for bad in ["", "AU", "aur", "1UR", "AUR-1", "TOKENS123", "ÄUR"] {
            assert_eq!(Unit::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_amount_ends_at_its_bound() {
        assert_eq!(Amount::new(Amount::MAX.units() + 1), None);
        assert_eq!(Amount::MAX.checked_add(Amount(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount(1)), None);
        assert!(serde_json::from_str::<Amount>("1000000000000001").is_err());
        assert!(serde_json::from_str::<Amount>("1.0").is_err());
        assert!(serde_json::from_str::<Amount>("-1").is_err());
    }

    #[test]
    fn a_share_is_rounded_down_and_knows_what_that_took() {
        let share = |units, part, whole| {
            let (share, rest) = Amount(units).share_and_rest(part, whole)?;
            Some((share.units(), rest))
        };
        assert_eq!(share(10, 1, 3), Some((3, 1)));
        assert_eq!(share(10, 3, 3), Some((10, 0)));
        assert_eq!((share(10, 4, 3), share(10, 0, 0)), (None, None));
        let most = Amount::MAX.units();
        assert_eq!(share(most, most, most), Some((most, 0)));
    }

    proptest! {
        #[test]
        fn adding_then_subtracting_changes_nothing(a in 0..=Amount::MAX.0, b in 0..=Amount::MAX.0) {
            if let Some(sum) = Amount(a).checked_add(Amount(b)) {
                prop_assert_eq!(sum.checked_sub(Amount(b)), Some(Amount(a)));
            } else {
                prop_assert!(a + b > Amount::MAX.0);
            }
        }

        #[test]
        fn a_shortfall_is_exactly_what_is_missing(have in 0..=Amount::MAX.0, need in 0..=Amount::MAX.0) {
            let missing = Amount(have).shortfall(Amount(need));
            prop_assert_eq!(missing.is_zero(), have >= need);
            prop_assert!(have >= need || have + missing.0 == need);
        }
    }
}
