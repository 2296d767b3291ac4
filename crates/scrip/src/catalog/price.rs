//! Prices as people write them: `12.50`, exactly, or not at all.

use scrip_domain::Amount;

/// The amount that `text` says in tokens of `scale` decimals, or what is wrong with it.
pub fn parse(text: &str, scale: u8) -> Result<Amount, String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return Err(unreadable(text)),
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || padded || !digits(whole) || !digits(fraction) {
        return Err(unreadable(text));
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = usize::from(scale);
    if fraction.len() > scale {
        return Err(format!("{text} is finer than the token, which has {scale} decimals"));
    }
    let units = format!("{whole}{fraction:0<scale$}").parse().ok();
    let most = || format!("{text} is more than a price can be");
    units.and_then(Amount::new).ok_or_else(most)
}

/// The amount as text that [`parse`] reads: two decimals, more only where they are needed.
pub fn text(amount: Amount, scale: u8) -> String {
    let full = amount.decimal(scale).to_string();
    let Some((whole, fraction)) = full.split_once('.') else { return full };
    let shown = fraction.trim_end_matches('0').len().max(fraction.len().min(2));
    format!("{whole}.{}", &fraction[..shown])
}

fn unreadable(text: &str) -> String {
    format!("{text:?} is not a price: write digits, with a decimal point where it needs one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        for (given, scale, units) in [
            ("12.50", 4, 125_000),
            ("0.0001", 4, 1),
            ("12", 2, 1_200),
            ("12.5000", 1, 125),
            ("0", 0, 0),
            ("1000000000000000", 0, 1_000_000_000_000_000),
        ] {
            assert_eq!(parse(given, scale).map(Amount::units), Ok(units), "{given}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", ".", "1.", ".5", "+1", "-1", "1,5", "1e3", "01", "1.2.3", " 1", "½", "１"]
        {
            assert!(parse(text, 4).unwrap_err().contains("is not a price"), "{text}");
        }
        assert!(parse("0.00001", 4).unwrap_err().contains("finer"));
        for text in ["1000000000000001", "99999999999999999999999"] {
            assert!(parse(text, 0).unwrap_err().contains("more than"), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (units, scale, expected) in
            [(125_000, 4, "12.50"), (1, 4, "0.0001"), (120, 1, "12.0"), (7, 0, "7"), (0, 4, "0.00")]
        {
            let amount = Amount::new(units).unwrap();
            assert_eq!(text(amount, scale), expected);
            assert_eq!(parse(expected, scale), Ok(amount));
        }
    }
}
