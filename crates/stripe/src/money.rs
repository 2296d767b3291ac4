//! Amounts as Stripe writes them. Its smallest units are those of ISO 4217, but for three currencies.

use scrip_domain::{Amount, Money, Unit};
use scrip_engine::processor::ProcessorError;

/// What Stripe makes of one of our units.
enum Scale {
    Same,
    /// Whole krónur and shillings, written with two decimals that must be zero.
    Hundredfold,
    /// Whole ariary, where ISO 4217 has two decimals.
    Hundredth,
}

fn scale(unit: Unit) -> Scale {
    match unit.as_str() {
        "ISK" | "UGX" => Scale::Hundredfold,
        "MGA" => Scale::Hundredth,
        _ => Scale::Same,
    }
}

/// The number that is sent.
pub fn to_wire(money: Money) -> Result<u64, ProcessorError> {
    let units = money.amount.units();
    let wire = match scale(money.unit) {
        Scale::Same => Some(units),
        Scale::Hundredfold => units.checked_mul(100),
        Scale::Hundredth => hundredth(units),
    };
    let no_such_amount = || {
        ProcessorError::refused("invalid_amount", "Stripe cannot move this amount of this currency")
    };
    wire.ok_or_else(no_such_amount)
}

/// The amount that a number from Stripe means; `None` when it is none.
pub fn from_wire(wire: u64, unit: Unit) -> Option<Amount> {
    let units = match scale(unit) {
        Scale::Same => Some(wire),
        Scale::Hundredfold => hundredth(wire),
        Scale::Hundredth => wire.checked_mul(100),
    };
    units.and_then(Amount::new)
}

fn hundredth(number: u64) -> Option<u64> {
    number.is_multiple_of(100).then_some(number / 100)
}

/// `eur`.
pub fn currency(unit: Unit) -> String {
    unit.as_str().to_ascii_lowercase()
}

/// The unit that Stripe calls `eur`.
pub fn unit(currency: &str) -> Option<Unit> {
    Unit::parse(&currency.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_stripe_wants_them_and_read_back() {
        for (code, units, wire) in [
            ("EUR", 1250, 1250),
            ("JPY", 500, 500),
            ("ISK", 5, 500),
            ("UGX", 5, 500),
            ("MGA", 500, 5),
        ] {
            let unit = Unit::parse(code).unwrap();
            let amount = Amount::new(units).unwrap();
            assert_eq!(to_wire(Money { amount, unit }), Ok(wire), "{code}");
            assert_eq!(from_wire(wire, unit), Some(amount), "{code}");
        }
    }

    #[test]
    fn what_has_no_such_amount_is_refused_not_rounded() {
        let unit = Unit::parse("MGA").unwrap();
        let amount = Amount::new(501).unwrap();
        assert!(matches!(to_wire(Money { amount, unit }), Err(ProcessorError::Refused { .. })));
        assert_eq!(from_wire(501, Unit::parse("ISK").unwrap()), None);
    }
}
