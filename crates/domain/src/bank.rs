//! Banks: whose account money goes to, and what may stand in a file for one.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// The most characters of the name of an account's holder, as banks of the euro area take it.
pub const MAX_HOLDER: usize = 70;
/// The number under which our own account is kept; a partner's is kept under the partner's.
pub const OWN: u64 = 0;

/// An account of somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankDetails {
    /// The partner's number, or [`OWN`].
    pub owner: u64,
    /// Its holder.
    pub holder: String,
    /// The account.
    pub iban: Iban,
    /// Its bank; banks of the euro area find it by the account.
    pub bic: Option<Bic>,
}

/// An International Bank Account Number (ISO 13616) whose check digits are right, without spaces.
#[derive(Clone, PartialEq, Eq)]
pub struct Iban(String);

/// How long an account number is where its length is known for certain: the countries that SEPA reaches.
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GI", 23),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("VA", 22),
];

impl Iban {
    /// Reads what people write, in groups or not; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|symbol| *symbol != ' ').collect();
        let text = text.to_ascii_uppercase();
        let (country, rest) = text.split_at_checked(2)?;
        let (check, account) = rest.split_at_checked(2)?;
        let known = LENGTHS.iter().find(|(known, _)| *known == country);
        let is_long_enough = match known {
            Some((_, length)) => text.len() == *length,
            None => (15..=34).contains(&text.len()),
        };
        // 00, 01 and 99 come out of the remainder as well as 97, 98 and 02, and are none.
        let is_check =
            check.bytes().all(|byte| byte.is_ascii_digit()) && !matches!(check, "00" | "01" | "99");
        let is_formed = country.bytes().all(|byte| byte.is_ascii_uppercase())
            && account.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let moved = account.chars().chain(country.chars()).chain(check.chars());
        (is_long_enough && is_check && is_formed && remainder(moved)? == 1).then_some(Self(text))
    }

    /// It, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Modulo 97 (ISO 7064), with letters as two digits.
fn remainder(symbols: impl Iterator<Item = char>) -> Option<u32> {
    let mut rest = 0_u32;
    for symbol in symbols {
        let digit = symbol.to_digit(36)?;
        let shift = if digit < 10 { 10 } else { 100 };
        rest = rest.checked_mul(shift)?.checked_add(digit)?.checked_rem(97)?;
    }
    Some(rest)
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Logs show its end only.
impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.len().saturating_sub(4);
        write!(f, "…{}", self.0.get(shown..).unwrap_or_default())
    }
}

/// A Business Identifier Code (ISO 9362): a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bic(String);

impl Bic {
    /// Reads a code; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_uppercase();
        let is_formed = matches!(text.len(), 8 | 11)
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && text.get(4..6)?.bytes().all(|byte| byte.is_ascii_uppercase());
        is_formed.then_some(Self(text))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a bank carries this character unchanged (the Latin set of the EPC's rules for ISO 20022).
fn is_latin(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || " /-?:().,'+".contains(symbol)
}

/// What people write, in characters that a bank carries, and at most so many: marks fall off, other letters are written
/// out, what is left over becomes a full stop.
pub fn latin(text: &str, most: usize) -> String {
    let mut out = String::new();
    for symbol in text.nfkd() {
        match symbol {
            symbol if is_latin(symbol) => out.push(symbol),
            symbol if unicode_normalization::char::is_combining_mark(symbol) => {}
            symbol if symbol.is_whitespace() => out.push(' '),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'Æ' => out.push_str("AE"),
            'œ' => out.push_str("oe"),
            'Œ' => out.push_str("OE"),
            'ø' => out.push('o'),
            'Ø' => out.push('O'),
            'ł' => out.push('l'),
            'Ł' => out.push('L'),
            'đ' | 'ð' => out.push('d'),
            'Đ' | 'Ð' => out.push('D'),
            'þ' => out.push_str("th"),
            'Þ' => out.push_str("TH"),
            'ı' => out.push('i'),
            '&' => out.push('+'),
            '’' | '‘' => out.push('\''),
            '–' | '—' | '_' => out.push('-'),
            _ => out.push('.'),
        }
    }
    let words: Vec<&str> = out.split(' ').filter(|word| !word.is_empty()).collect();
    let joined: String = words.join(" ").chars().take(most).collect();
    joined.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The examples of the registry of ISO 13616.
    const GOOD: &[&str] = &[
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "BR1800360305000010009795493C1",
        "SC18SSCB11010000000000001497USD",
    ];

    #[test]
    fn the_registrys_examples_are_read() {
        for good in GOOD {
            assert_eq!(Iban::parse(good).unwrap().as_str(), *good);
        }
        let grouped = Iban::parse("de89 3704 0044 0532 0130 00").unwrap();
        assert_eq!(grouped.as_str(), GOOD[0]);
        assert_eq!(format!("{grouped:?}"), "…3000");
        for bad in [
            "",
            "DE",
            "DE8937040044053201300",
            "DE893704004405320130000",
            "DE88370400440532013000",
            "DE89 3704 0044 0532 0130 0Ö",
            "DEXX370400440532013000",
            "1189370400440532013000",
            "DE89-3704-0044-0532-0130-00",
            "€E89370400440532013000",
        ] {
            assert_eq!(Iban::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_bank_is_told_by_eight_or_eleven_symbols() {
        for good in ["COBADEFF", "cobadeffxxx", "NWBKGB2L", "1234DE00"] {
            assert!(Bic::parse(good).is_some(), "{good}");
        }
        for bad in ["", "COBADEF", "COBADEFFX", "COBA1EFF", "COBADEFFXX-", "CÖBADEF"] {
            assert_eq!(Bic::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_written_in_what_banks_carry() {
        assert_eq!(latin("Müller & Söhne GmbH", 70), "Muller + Sohne GmbH");
        assert_eq!(latin("Straße_7 “Łódź” – Ærø", 70), "Strasse-7 .Lodz. - AEro");
        assert_eq!(latin("  a \n b  ", 70), "a b");
        assert_eq!(latin("<x>\u{0}日本", 3), ".x.");
        assert_eq!(latin("ab cd", 3), "ab");
    }

    proptest! {
        /// A digit or a letter in the place of another is always seen, and so are two digits that were exchanged.
        #[test]
        fn a_slip_is_seen(which in 0..GOOD.len(), at in 4_usize..34, to in 0_u32..36) {
            let good: Vec<char> = GOOD[which].chars().collect();
            let at = at % good.len();
            if at >= 4 {
                let mut wrong = good.clone();
                let to = char::from_digit(to, 36).unwrap().to_ascii_uppercase();
                if to.is_ascii_digit() == good[at].is_ascii_digit() {
                    wrong[at] = to;
                }
                let text: String = wrong.iter().collect();
                prop_assert_eq!(Iban::parse(&text).is_some(), wrong == good);
                let mut swapped = good.clone();
                swapped.swap(at, at - 1);
                let is_digit = |at: usize| good[at].is_ascii_digit();
                if at > 4 && is_digit(at) && is_digit(at - 1) {
                    let text: String = swapped.iter().collect();
                    prop_assert_eq!(Iban::parse(&text).is_some(), swapped == good);
                }
            }
        }

        #[test]
        fn whatever_is_written_a_bank_carries_it(text in "\\PC*", most in 0_usize..80) {
            let carried = latin(&text, most);
            prop_assert!(carried.chars().all(is_latin) && carried.chars().count() <= most);
            prop_assert_eq!(latin(&carried, most), carried);
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}") {
            prop_assert!(Iban::parse(&text).is_none_or(|iban| iban.as_str().is_ascii()));
            prop_assert!(Bic::parse(&text).is_none_or(|bic| bic.as_str().is_ascii()));
        }
    }
}
