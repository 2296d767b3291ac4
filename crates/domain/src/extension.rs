//! Extensions: what an order line adds to a license that was there before, and what a refund of it takes off again.
//!
//! ```text
//! counted ............................. added += count × units
//! by time, begun ...................... the end = max(the end, now) + seconds × units
//! by time, from first activation ...... added += seconds × units, until it begins
//! ```

use scrip_license::Terms;

use crate::license::{License, LicenseState};
use crate::order::Line;
use crate::time::{Span, Timestamp};
use crate::usage::{Extension, Usage};
use crate::words;

/// The furthest end from now, in days: two hundred years.
const FURTHEST: Span = Span::days(200 * 366);
/// The most uses or processings that extensions can add.
const MOST: u64 = 1_000_000_000_000;

words! {
    /// Why a license is not extended.
    pub enum NotExtendable {
        /// It has no end.
        Perpetual = "perpetual",
        /// A trial stays one.
        Trial = "trial",
        /// The offer is of another product.
        OtherProduct = "other_product",
        /// The offer has terms of another kind, or counts in another unit.
        OtherTerms = "other_terms",
        /// Its code was not handed out yet.
        Withheld = "withheld",
        /// The vendor took it back.
        Revoked = "revoked",
        /// It was refunded.
        Refunded = "refunded",
        /// It is suspended.
        Suspended = "suspended",
        /// It would be more than can be.
        TooMuch = "too_much",
        /// A merchant's provider would have to decide while it changes.
        AtProvider = "at_provider",
    }
}

/// A license with what a line adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// The license, whose end may have moved.
    pub license: License,
    /// Its usage, which may have more.
    pub usage: Usage,
    /// The row that says so.
    pub extension: Extension,
}

/// What one unit of these terms adds: a count, or seconds.
fn unit_of(terms: Terms) -> Option<u64> {
    match terms {
        Terms::Rental { seconds, .. } => Some(seconds),
        terms => terms.count(),
    }
}

/// Whether terms of these two kinds add up: an offer on the other extends a license on the one.
pub fn is_same_kind(one: Terms, other: Terms) -> bool {
    match (one, other) {
        (Terms::Rental { .. }, Terms::Rental { .. }) | (Terms::Uses { .. }, Terms::Uses { .. }) => {
            true
        }
        (Terms::Processings { unit: one, .. }, Terms::Processings { unit: other, .. }) => {
            one == other
        }
        _ => false,
    }
}

fn span(seconds: u64) -> Option<Span> {
    let span = Span::seconds(u32::try_from(seconds).ok()?);
    (span <= FURTHEST).then_some(span)
}

/// What `line` makes of a license that was used so far as `usage` says.
pub fn extend(
    license: &License,
    usage: &Usage,
    line: &Line,
    at: Timestamp,
) -> Result<Extended, NotExtendable> {
    match license.state {
        LicenseState::Valid => {}
        LicenseState::Withheld => return Err(NotExtendable::Withheld),
        LicenseState::Revoked => return Err(NotExtendable::Revoked),
        LicenseState::Suspended => return Err(NotExtendable::Suspended),
        LicenseState::Refunded => return Err(NotExtendable::Refunded),
    }
    match license.terms {
        Terms::Perpetual => return Err(NotExtendable::Perpetual),
        Terms::Trial { .. } => return Err(NotExtendable::Trial),
        _ if license.product != line.product => return Err(NotExtendable::OtherProduct),
        terms if !is_same_kind(terms, line.terms) => return Err(NotExtendable::OtherTerms),
        _ => {}
    }
    let amount = unit_of(line.terms).and_then(|unit| unit.checked_mul(u64::from(line.quantity)));
    let amount = amount.filter(|amount| *amount > 0).ok_or(NotExtendable::TooMuch)?;
    let (mut license, mut usage) = (license.clone(), usage.clone());
    match license.expires_at.filter(|_| matches!(license.terms, Terms::Rental { .. })) {
        Some(end) => {
            let span = span(amount).ok_or(NotExtendable::TooMuch)?;
            let end = end.max(at).plus(span);
            if end.since(at) > FURTHEST {
                return Err(NotExtendable::TooMuch);
            }
            license.expires_at = Some(end);
        }
        None => {
            let added = usage.added.checked_add(amount).filter(|added| *added <= MOST);
            usage.added = added.ok_or(NotExtendable::TooMuch)?;
            let by_time = matches!(license.terms, Terms::Rental { .. });
            if by_time && span(usage.added).is_none() {
                return Err(NotExtendable::TooMuch);
            }
        }
    }
    let extension = Extension {
        line: line.id,
        license: license.id,
        amount,
        expires_at: license.expires_at,
        left: usage.left(license.terms),
        issue: license.issue,
        at,
        refunded_at: None,
    };
    Ok(Extended { license, usage, extension })
}

/// What is left of it when `units` of the line go back. What was used already is not taken: then nothing is left.
pub fn take_back(extended: &Extended, terms: Terms, units: u32, at: Timestamp) -> Extended {
    let Extended { mut license, mut usage, mut extension } = extended.clone();
    let back = unit_of(terms).unwrap_or_default().saturating_mul(u64::from(units));
    let back = back.min(extension.amount);
    if back == 0 || extension.refunded_at.is_some() {
        return Extended { license, usage, extension };
    }
    match license.expires_at.filter(|_| matches!(license.terms, Terms::Rental { .. })) {
        Some(end) => license.expires_at = Some(end.minus(span(back).unwrap_or(FURTHEST))),
        None => usage.added = usage.added.saturating_sub(back),
    }
    let rest = extension.amount.saturating_sub(back);
    if rest == 0 {
        extension.refunded_at = Some(at);
    } else {
        extension.amount = rest;
    }
    Extended { license, usage, extension }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scrip_license::{Limits, RentalStart, Unit};

    use super::*;
    use crate::amount::Amount;
    use crate::id::Id;

    fn id<T: crate::id::Kind>() -> Id<T> {
        Id::new(1).unwrap()
    }

    fn license(terms: Terms, expires_at: Option<Timestamp>) -> License {
        License {
            id: id(),
            order: id(),
            line: id(),
            account: id(),
            product: id(),
            offer: id(),
            terms,
            limits: Limits::default(),
            release: None,
            state: LicenseState::Valid,
            issue: 3,
            kid: "a".into(),
            issued_at: Timestamp::default(),
            expires_at,
        }
    }

    fn line(terms: Terms, quantity: u32) -> Line {
        Line {
            order: id(),
            id: id(),
            offer: id(),
            product: id(),
            title: String::new(),
            price: Amount::ZERO,
            discount: None,
            quantity,
            terms,
            limits: Limits::default(),
            release: None,
            extends: Some(id()),
            bundle: None,
        }
    }

    const DAY: u64 = 86_400;

    fn day(number: u32) -> Timestamp {
        Timestamp::default().plus(Span::days(number))
    }

    fn rental(days: u64, from: RentalStart) -> Terms {
        Terms::Rental { seconds: days * DAY, from }
    }

    fn unit(name: &str) -> Option<Unit> {
        name.parse().ok()
    }

    #[test]
    fn a_rental_goes_on_from_its_end_or_from_now() {
        let month = rental(30, RentalStart::Purchase);
        let rented = license(month, Some(day(30)));
        let none = Usage::none(rented.id);
        let before = extend(&rented, &none, &line(month, 2), day(10)).unwrap();
        assert_eq!(before.license.expires_at, Some(day(90)));
        assert_eq!((before.usage.added, before.extension.amount), (0, 60 * DAY));
        assert_eq!((before.extension.expires_at, before.extension.issue), (Some(day(90)), 3));
        let after = extend(&rented, &none, &line(month, 1), day(40)).unwrap();
        assert_eq!(after.license.expires_at, Some(day(70)));
        let back = take_back(&before, month, 1, day(11));
        assert_eq!((back.license.expires_at, back.extension.amount), (Some(day(60)), 30 * DAY));
        assert_eq!(back.extension.refunded_at, None);
        let all = take_back(&back, month, 1, day(12));
        assert_eq!(
            (all.license.expires_at, all.extension.refunded_at),
            (Some(day(30)), Some(day(12)))
        );
        assert_eq!(take_back(&all, month, 1, day(13)), all, "nothing is taken off twice");
    }

    #[test]
    fn what_has_not_begun_begins_longer() {
        let week = rental(7, RentalStart::FirstActivation);
        let waits = license(week, None);
        let extended = extend(&waits, &Usage::none(waits.id), &line(week, 1), day(1)).unwrap();
        assert_eq!((extended.license.expires_at, extended.usage.added), (None, 7 * DAY));
        assert_eq!(take_back(&extended, week, 1, day(2)).usage.added, 0);
        // By then it has begun, and what was added is in its end.
        let begun = License { expires_at: Some(day(20)), ..waits };
        let begun = Extended { license: begun, usage: Usage::none(id()), ..extended };
        assert_eq!(take_back(&begun, week, 1, day(8)).license.expires_at, Some(day(13)));
    }

    #[test]
    fn only_what_is_of_a_kind_adds_up() {
        let images = |name| Terms::Processings { count: 5, unit: unit(name) };
        let why = |terms, other| {
            let extended = license(terms, None);
            extend(&extended, &Usage::none(id()), &line(other, 1), day(1))
                .map(|all| all.usage.added)
        };
        assert_eq!(why(images("images"), images("images")), Ok(5));
        assert_eq!(why(images("images"), images("pages")), Err(NotExtendable::OtherTerms));
        assert_eq!(why(images("images"), Terms::Uses { count: 5 }), Err(NotExtendable::OtherTerms));
        assert_eq!(why(Terms::Uses { count: 1 }, Terms::Uses { count: 4 }), Ok(4));
        assert_eq!(why(Terms::Perpetual, Terms::Perpetual), Err(NotExtendable::Perpetual));
        let trial = Terms::Trial { seconds: 5 };
        assert_eq!(why(trial, trial), Err(NotExtendable::Trial));
        let other = Line { product: Id::new(2).unwrap(), ..line(Terms::Uses { count: 1 }, 1) };
        let uses = license(Terms::Uses { count: 1 }, None);
        let refused = extend(&uses, &Usage::none(id()), &other, day(1));
        assert_eq!(refused, Err(NotExtendable::OtherProduct));
        for (state, why) in [
            (LicenseState::Withheld, NotExtendable::Withheld),
            (LicenseState::Revoked, NotExtendable::Revoked),
            (LicenseState::Refunded, NotExtendable::Refunded),
            (LicenseState::Suspended, NotExtendable::Suspended),
        ] {
            let ended = License { state, ..uses.clone() };
            let line = line(Terms::Uses { count: 1 }, 1);
            assert_eq!(extend(&ended, &Usage::none(id()), &line, day(1)), Err(why));
        }
    }

    #[test]
    fn nothing_is_extended_beyond_what_can_be() {
        let century = Terms::Rental { seconds: 100 * 366 * DAY, from: RentalStart::Purchase };
        let rented = license(century, Some(day(1)));
        let none = Usage::none(id());
        assert!(extend(&rented, &none, &line(century, 1), day(1)).is_ok());
        assert_eq!(extend(&rented, &none, &line(century, 2), day(1)), Err(NotExtendable::TooMuch));
        let far = License { expires_at: Some(day(199 * 366)), ..rented };
        assert_eq!(extend(&far, &none, &line(century, 1), day(1)), Err(NotExtendable::TooMuch));
        let uses = Terms::Uses { count: 1_000_000_000 };
        let many = Usage { added: MOST, ..none };
        let counted = license(uses, None);
        assert_eq!(extend(&counted, &many, &line(uses, 1), day(1)), Err(NotExtendable::TooMuch));
    }

    proptest! {
        #[test]
        fn what_comes_back_is_what_was_added(count in 1_u64..1000, units in 1_u32..100, back in 0_u32..100) {
            let terms = Terms::Uses { count };
            let all = extend(&license(terms, None), &Usage::none(id()), &line(terms, units), day(1)).unwrap();
            let back = back.min(units);
            let rest = take_back(&all, terms, back, day(2));
            prop_assert_eq!(rest.usage.added, count * u64::from(units - back));
            prop_assert_eq!(rest.extension.refunded_at.is_some(), back == units);
            let none = take_back(&rest, terms, units - back, day(3));
            prop_assert_eq!(none.usage.added, 0);
        }
    }
}
