//! Words for what a license is: its terms, its limits, how it stands; why an order came to nothing; and how words begin
//! a sentence.

use crate::language::{many, t, text};
use scrip_domain::Timestamp;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::refund_request::RefundPolicy;
use scrip_engine::library::Owned;
use scrip_engine::license::state_at;
use scrip_license::{Limits, Reason, RentalStart, Terms};

use super::look::Tone;
use super::pay::span_text;

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

/// The word or words with a capital first.
pub fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// What a license permits, and for how long, as a sentence begins.
pub fn terms(terms: Terms) -> String {
    capitalized(&phrase(terms))
}

/// The same within a sentence.
pub fn phrase(terms: Terms) -> String {
    match terms {
        Terms::Perpetual => t("for good").to_owned(),
        Terms::Rental { seconds, from: RentalStart::Purchase } => {
            text!("for {span}", span = long_span(seconds))
        }
        Terms::Rental { seconds, from: RentalStart::FirstActivation } => {
            text!("for {span} from its first use", span = long_span(seconds))
        }
        Terms::Trial { seconds } => text!("to try for {span}", span = long_span(seconds)),
        Terms::Uses { .. } | Terms::Processings { .. } => {
            text!("for {counted}", counted = counted(terms, 1))
        }
    }
}

/// What so many units of an offer add to a license.
pub fn more(terms: Terms, quantity: u32) -> String {
    match terms {
        Terms::Rental { seconds, .. } => {
            text!("{span} more", span = long_span(seconds.saturating_mul(u64::from(quantity))))
        }
        Terms::Uses { .. } | Terms::Processings { .. } => {
            text!("{counted} more", counted = counted(terms, quantity))
        }
        // Nothing is added to these.
        Terms::Perpetual | Terms::Trial { .. } => String::new(),
    }
}

fn counted(terms: Terms, quantity: u32) -> String {
    let count = terms.count().unwrap_or_default().saturating_mul(u64::from(quantity));
    format!("{count} {}", units(terms, count))
}

/// What is counted, for `count` of it.
pub fn units(terms: Terms, count: u64) -> String {
    match (terms, count) {
        (Terms::Processings { unit: Some(unit), .. }, _) => unit.to_string(),
        (Terms::Processings { unit: None, .. }, count) => many!(count, "processing", "processings"),
        (_, count) => many!(count, "use", "uses"),
    }
}

/// A long time, in the largest unit that it is a whole number of.
pub fn long_span(seconds: u64) -> String {
    match seconds {
        YEAR => t("a year").to_owned(),
        DAY => t("a day").to_owned(),
        _ if seconds > YEAR && seconds.is_multiple_of(YEAR) => {
            text!("{years} years", years = seconds.div_euclid(YEAR))
        }
        _ if seconds >= 2 * DAY => text!("{days} days", days = seconds.div_euclid(DAY)),
        _ => span_text(seconds),
    }
}

/// What limits a license has.
pub fn limits(limits: Limits) -> Vec<String> {
    let Limits { machines, downloads, moves, .. } = limits;
    let all = [
        machines
            .map(|count| many!(count, "on one machine at a time", "on {count} machines at a time")),
        moves.map(|count| match count {
            0 => t("cannot move to another machine").to_owned(),
            _ => many!(count, "moves once a year", "moves {count} times a year"),
        }),
        downloads.map(|count| many!(count, "one download", "{count} downloads")),
    ];
    all.into_iter().flatten().collect()
}

/// How something that is owned stands, in a word.
pub fn standing(owned: &Owned, at: Timestamp) -> (Tone, &'static str) {
    match state(&owned.standing.license, at) {
        (Tone::Good, _) if owned.standing.left() == Some(0) => (Tone::Warn, t("Used up")),
        said => said,
    }
}

/// How a license stands, in a word, whatever is left of it.
pub fn state(license: &License, at: Timestamp) -> (Tone, &'static str) {
    match state_at(license, at) {
        _ if license.state == LicenseState::Withheld => (Tone::Info, t("On its way")),
        Reason::Valid => (Tone::Good, t("Active")),
        Reason::Expired => (Tone::Warn, t("Ended")),
        Reason::Suspended => (Tone::Bad, t("Suspended")),
        Reason::Refunded => (Tone::Info, t("Refunded")),
        _ => (Tone::Bad, t("Revoked")),
    }
}

/// Why something is not done with a license, for people.
pub fn refused(reason: Reason) -> &'static str {
    match reason {
        Reason::Valid => t("Everything is in order."),
        Reason::UnknownCode | Reason::BadSignature => {
            t("This is no code of this shop, or a part of it got lost on the way.")
        }
        Reason::WrongProduct => t("This code is for another product."),
        Reason::Revoked => t("The vendor has taken this license back."),
        Reason::Refunded => t("This license was refunded."),
        Reason::Suspended => t("The vendor has suspended this license."),
        Reason::Superseded => t(
            "A newer code was issued for this license: take that one, from the library of its owner.",
        ),
        Reason::Expired => t("The time of this license is over."),
        Reason::NotStarted => t("The time of this license has not begun."),
        Reason::UsesExhausted | Reason::ProcessingsExhausted => {
            t("All that this license had is used up.")
        }
        Reason::MachineLimit => t(
            "This license is in use on as many machines as it may be: deactivate one of them first.",
        ),
        Reason::LeaseExpired => t("The leave of this machine to work offline is over."),
        Reason::WrongMachine => t("This is for another machine."),
        Reason::NotActivated => t("This machine is not active."),
        Reason::ClockRollback => t("The clock of the machine was set back."),
    }
}

/// What the vendor promises of refunds.
pub fn refund_policy(RefundPolicy { days, opened }: RefundPolicy) -> String {
    if days == 0 {
        t("Refunds: this vendor promises none. You can ask for one all the same.").to_owned()
    } else if opened {
        many!(days, "Refunds: within a day.", "Refunds: within {count} days.")
    } else {
        many!(
            days,
            "Refunds: within a day, if it was not downloaded, activated or used.",
            "Refunds: within {count} days, if it was not downloaded, activated or used."
        )
    }
}

/// Why an order at a merchant came to nothing, of the words that are known here.
pub fn not_sold(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "already_owned" => t("you own it already."),
        "trial_used" => t("you have tried it before."),
        "hold_expired" => t("the shop did not take it up in time."),
        "not_confirmed" | "expired" => t("it was not confirmed in time."),
        "provider_unreachable" => t("the provider could not be reached."),
        "merchant_suspended" => t("the provider has suspended this shop."),
        "buyer" => t("you declined it at the provider."),
        "insufficient_balance" => t("your balance at the provider did not cover it."),
        "account_frozen" => t("your account at the provider is frozen."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_told_for_people() {
        let rental = |seconds| Terms::Rental { seconds, from: RentalStart::Purchase };
        let images = |count| Terms::Processings { count, unit: "images".parse().ok() };
        for (of, told, added) in [
            (Terms::Perpetual, "For good", ""),
            (rental(30 * DAY), "For 30 days", "60 days more"),
            (rental(3_600), "For 60 minutes", "2 hours more"),
            (rental(YEAR), "For a year", "2 years more"),
            (Terms::Uses { count: 1 }, "For 1 use", "2 uses more"),
            (images(5), "For 5 images", "10 images more"),
            (Terms::Trial { seconds: 14 * DAY }, "To try for 14 days", ""),
        ] {
            assert_eq!((terms(of).as_str(), more(of, 2).as_str()), (told, added), "{of:?}");
        }
    }

    #[test]
    fn limits_are_told_for_people() {
        let all =
            Limits { machines: Some(1), downloads: Some(3), moves: Some(2), offline_days: None };
        let told = ["on one machine at a time", "moves 2 times a year", "3 downloads"];
        assert_eq!(limits(all), told);
        assert!(limits(Limits::default()).is_empty());
    }
}
