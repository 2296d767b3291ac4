//! Payment methods: the cards of an account, by the names that its processor gave them.
//!
//! ```text
//! (attached at the processor) ─▶ kept ─▶ leaving ─▶ (detached at the processor, and gone)
//! ```
//! A card that its owner removed is *leaving* until nothing that was begun with it still needs it: nobody
//! can name it any more, and what is under way goes on. The number of a card never comes here.

use crate::account::Account;
use crate::id::Id;
use crate::time::Timestamp;

/// The most cards of one account, those that leave included: a person has few, who tries stolen ones has many.
pub const MOST: usize = 20;

/// An account, as a processor calls it. Kept from the first answer on: a processor that is asked again a day
/// later makes another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Whose.
    pub account: Id<Account>,
    /// Which processor.
    pub processor: String,
    /// The processor's name of it.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// A card that an account can pay with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    /// Whose.
    pub account: Id<Account>,
    /// The processor's name of it.
    pub name: String,
    /// Which processor.
    pub processor: String,
    /// `visa`.
    pub brand: String,
    /// The last four digits, for the buyer to know it by.
    pub last_four: String,
    /// The year in which it can be used last.
    pub expiry_year: u32,
    /// The month of that year, 1 to 12.
    pub expiry_month: u8,
    /// Since when it is kept.
    pub created_at: Timestamp,
    /// When the processor is to be told, once the owner has removed it.
    pub detach_at: Option<Timestamp>,
}

impl PaymentMethod {
    /// Whether its owner can pay with it, through this processor.
    pub fn serves(&self, processor: &str) -> bool {
        self.detach_at.is_none() && self.processor == processor
    }
}

/// Whether a text holds what could be the number of a card: 12 to 19 digits, between which people write a
/// blank or a dash, and which either have the check digit of one or stand alone. Such a text is neither kept,
/// nor shown again, nor logged.
pub fn holds_card_number(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-');
    let alone = text.trim().chars().all(is_part);
    text.split(|c| !is_part(c)).any(|run| {
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_digit).collect();
        let length = (12..=19).contains(&digits.len());
        length && (alone || has_check_digit(&digits))
    })
}

/// Luhn's formula (ISO/IEC 7812-1).
fn has_check_digit(digits: &[u8]) -> bool {
    let value = |(place, digit): (usize, &u8)| {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        match (place % 2, digit) {
            (0, digit) => digit,
            (_, 0..=4) => digit.saturating_mul(2),
            (_, _) => digit.saturating_mul(2).saturating_sub(9),
        }
    };
    let sum: u32 = digits.iter().rev().enumerate().map(value).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_cards_number_is_known() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            " 378282246310005 ",
            "my card 4242424242424242, 12/30",
            "6304000000000000",
            "1234567890123",
            "{\"number\":\"5555555555554444\"}",
        ] {
            assert!(holds_card_number(number), "{number}");
        }
        for other in [
            "pm_1MtwBwLkdIwHu7ix28a3tqPa",
            "demo_approved",
            "pm_1234567890123",
            "+44 20 7946 0000",
            "42424242424",
            "42424242424242424242",
            "",
        ] {
            assert!(!holds_card_number(other), "{other}");
        }
    }
}
