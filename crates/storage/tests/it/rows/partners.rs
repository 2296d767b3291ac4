//! Rows about partners: the partners themselves, agreements, links.

use scrip_domain::agreement::{
    Agreement, AgreementState, By, Cycle, Party, Rate, Terms, Untold, Way,
};
use scrip_domain::connection::{ConnectionState, ReturnCode};
use scrip_domain::ledger::Counters;
use scrip_domain::link::{Link, LinkRequest, LinkState, PartnerSubject};
use scrip_domain::lot::LotKind;
use scrip_domain::partner::{Partner, PartnerUrl, Suspended};
use scrip_domain::{Amount, Timestamp, Unit};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{amount, change, id, look};
use crate::home::{NOON, Running};

/// Every row about partners.
pub async fn all(store: &Running) {
    let plain = partner(1);
    let full = Partner {
        agreement: Some(last()),
        currency: Unit::parse("EUR"),
        suspended: Some(Suspended::Silent),
        suspended_at: LAST,
        suspended_there: true,
        suspended_there_at: FIRST,
        version: u32::MAX,
        payable: Counters { debits: 1, credits: u64::MAX >> 1 },
        receivable: Counters { debits: u64::MAX >> 1, credits: 1 },
        payable_reserved: Amount::MAX,
        receivable_reserved: Amount::MAX,
        cycle: u32::MAX,
        due_at: Some(LAST),
        attempts: u32::MAX,
        ..plain.clone()
    };
    round_trips!(store, partners(id): plain => full, other partner(2));
    let address = |url: &str, number| PartnerUrl { url: url.into(), partner: id(number) };
    round_trips!(store, partner_urls(url): address("https://a.example", 1) => address("https://a.example", 2),
        other address("https://b.example", 3));
    agreements(store).await;
    links(store).await;
}

/// A partner, with the plainest of each thing.
pub fn partner(number: u64) -> Partner {
    Partner::entered(id(number), format!("https://{number}.example"), text(), NOON)
}

/// Terms with everything in them.
pub fn terms() -> Terms {
    let party = |url: &str, token: &str| Party {
        url: url.into(),
        token: Unit::parse(token).unwrap(),
        scale: 6,
        tokens: Amount::MAX,
        micros: Amount::ONE,
    };
    let way = Way {
        rate: Rate::Fixed { give: amount(7), receive: Amount::MAX },
        spread_basis_points: 9999,
        min: Amount::ONE,
        max: Amount::MAX,
        buyer_day: Amount::MAX,
        day: Amount::MAX,
        cap: Amount::MAX,
        lots: vec![LotKind::Paid, LotKind::Exchange],
    };
    Terms {
        parties: [party("https://a.example", "AUR"), party("https://b.example", "BEL")],
        currency: Unit::parse("EUR").unwrap(),
        ways: [Some(way), None],
        cycle: Cycle::Days { days: 30 },
        due_days: 14,
        notice_days: 366,
    }
}

/// An open proposal of a partner's.
pub fn agreement(number: u64, partner: u64) -> Agreement {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    Agreement {
        id: id(number),
        partner: id(partner),
        version: 1,
        proposed_by: By::Them,
        state: AgreementState::Proposed,
        terms: Terms { ways: [None, None], cycle: Cycle::Each, ..terms() },
        proposal: text(),
        digest,
        acceptance: None,
        proposed_at: NOON,
        decided_at: None,
        effective_at: None,
        ends_at: None,
        untold: None,
        due_at: None,
        attempts: 0,
    }
}

async fn agreements(store: &Running) {
    let plain = agreement(1, 1);
    let full = Agreement {
        version: u32::MAX,
        state: AgreementState::Ended,
        terms: terms(),
        acceptance: Some(text()),
        decided_at: Some(FIRST),
        effective_at: Some(NOON),
        ends_at: Some(LAST),
        untold: Some(Untold::End),
        due_at: Some(LAST),
        attempts: u32::MAX,
        ..plain.clone()
    };
    round_trips!(store, agreements(id): plain => full, other agreement(2, 1));
}

/// A link that was begun.
pub fn link(account: u64, partner: u64) -> Link {
    Link {
        account: id(account),
        partner: id(partner),
        id: id(account * 100 + partner),
        state: LinkState::Open,
        subject: None,
        at: NOON,
        linked_at: None,
        due_at: None,
        attempts: 0,
    }
}

/// A partner's request that waits.
pub fn link_request(number: u64, partner: u64) -> LinkRequest {
    let mut reference = [0; 32];
    reference[..8].copy_from_slice(&number.to_be_bytes());
    LinkRequest {
        id: id(number),
        partner: id(partner),
        link: id(number),
        return_url: text(),
        reference,
        state: ConnectionState::Open,
        account: None,
        code: None,
        at: NOON,
        expires_at: NOON,
    }
}

async fn links(store: &Running) {
    let active = Link {
        id: last(),
        state: LinkState::Active,
        subject: Some(text()),
        linked_at: Some(LAST),
        due_at: Some(FIRST),
        attempts: u32::MAX,
        ..link(1, 1)
    };
    round_trips!(store, links(account, partner): link(1, 1) => active, other link(1, 2));
    let decided = LinkRequest {
        state: ConnectionState::Approved,
        account: Some(last()),
        code: Some(ReturnCode { hash: [255; 32], until: LAST }),
        expires_at: LAST,
        ..link_request(1, 1)
    };
    round_trips!(store, link_requests(id): link_request(1, 1) => decided, other link_request(2, 1));
    let known = |subject: u8, at: Timestamp| PartnerSubject {
        partner: id(1),
        subject: [subject; 16],
        account: id(7),
        at,
    };
    round_trips!(store, partner_subjects(partner, subject): known(0, NOON) => known(0, LAST), other known(1, NOON));
}
