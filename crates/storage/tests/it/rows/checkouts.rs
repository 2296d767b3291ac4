//! Rows of a merchant: checkouts, identities, visits.

use scrip_domain::Amount;
use scrip_domain::checkout::{Checkout, PendingLine, PendingRefund};
use scrip_domain::identity::{Identity, Visit};
use scrip_domain::refund::LicensePolicy;
use scrip_domain::request::{Request, RequestId};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{change, id, look};
use crate::home::{NOON, Running};

/// Every row of a merchant.
pub async fn all(store: &Running) {
    let max = u64::MAX >> 1;
    let asked = Request { key: max, fingerprint: max, id: RequestId::of_chance(u64::MAX) };
    let refund = PendingRefund {
        id: last(),
        lines: vec![PendingLine { line: last(), quantity: u32::MAX, amount: Amount::MAX }],
        amount: Amount::MAX,
        licenses: LicensePolicy::Keep,
        reason: text(),
        actor: text(),
        request_id: RequestId::of_chance(u64::MAX),
        key: max,
        fingerprint: max,
    };
    let whole = Checkout {
        order: last(),
        provider: text(),
        request: Some(text()),
        url: Some(text()),
        pay_until: Some(LAST),
        asked,
        offer: text(),
        confirmation: Some(text()),
        receipt: Some(text()),
        fulfilment: Some(text()),
        refunds: vec![text(), String::new()],
        subject: Some(text()),
        reason: Some(text()),
        refund: Some(refund),
        due_at: Some(FIRST),
        attempts: u32::MAX,
    };
    let bare = Checkout {
        request: None,
        url: None,
        pay_until: None,
        confirmation: None,
        receipt: None,
        fulfilment: None,
        refunds: Vec::new(),
        subject: None,
        reason: None,
        refund: None,
        due_at: None,
        attempts: 0,
        ..whole.clone()
    };
    round_trips!(store, checkouts(order): whole.clone() => bare.clone(),
        other Checkout { order: id(0), ..bare.clone() });
    let known = Identity {
        issuer: text(),
        subject: text(),
        account: last(),
        funded: Some(true),
        heard_at: Some(LAST),
        created_at: FIRST,
    };
    round_trips!(store, identities(issuer, subject): known.clone() =>
        Identity { funded: Some(false), heard_at: None, ..known.clone() },
        other Identity { issuer: String::new(), subject: String::new(), account: id(0), funded: None, ..known.clone() });
    let visit = Visit { key: max, fingerprint: max, order: last(), at: LAST };
    round_trips!(store, visits(key): visit.clone() => Visit { fingerprint: 0, at: NOON, ..visit.clone() },
        other Visit { key: 0, fingerprint: 0, order: id(0), at: FIRST });
}
