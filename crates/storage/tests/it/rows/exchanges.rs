//! Rows of exchanges between vendors, both sides.

use scrip_domain::Amount;
use scrip_domain::agreement::Figures;
use scrip_domain::exchange::{
    Exchange, ExchangeDay, ExchangeQuote, ExchangeState, Incoming, IncomingState,
};
use scrip_domain::partner::{EntryKind, PartnerEntry, Side};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{amount, change, id, look};
use crate::home::{NOON, Running};

/// Every row of exchanges.
pub async fn all(store: &Running) {
    outgoing(store).await;
    incoming(store).await;
    sums(store).await;
}

/// The smallest figures.
fn figures() -> Figures {
    let one = Amount::ONE;
    Figures { give: one, receive: one, compensation: one, numerator: 1, denominator: 1 }
}

fn most() -> Figures {
    let (most, ratio) = (Amount::MAX, u64::MAX >> 1);
    Figures { give: most, receive: most, compensation: most, numerator: ratio, denominator: ratio }
}

/// An exchange of that number with a partner, just begun.
pub fn exchange(number: u64, partner: u64) -> Exchange {
    Exchange {
        id: id(number),
        account: id(7),
        partner: id(partner),
        agreement: id(2),
        quote: id(number),
        figures: figures(),
        state: ExchangeState::Reserved,
        hold: id(number),
        reason: None,
        prepared: None,
        commit: None,
        answer: None,
        transfer: None,
        cycle: None,
        at: NOON,
        committed_at: None,
        answered_at: None,
        written_off_at: None,
        due_at: Some(NOON),
        attempts: 0,
        told: None,
    }
}

/// What that partner calls so, prepared.
pub fn prepared(number: u64, partner: u64) -> Incoming {
    Incoming {
        partner: id(partner),
        exchange: id(number),
        quote: format!("{partner}-{number}"),
        offer: None,
        account: Some(id(7)),
        agreement: Some(id(2)),
        figures: Some(figures()),
        state: IncomingState::Prepared,
        prepared: Some(text()),
        commit: None,
        answer: None,
        transfer: None,
        lot: None,
        cycle: None,
        at: NOON,
        until: NOON,
        answered_at: None,
    }
}

async fn outgoing(store: &Running) {
    let quote = ExchangeQuote {
        id: last(),
        account: last(),
        partner: last(),
        agreement: last(),
        figures: most(),
        document: text(),
        exchange: None,
        at: LAST,
    };
    round_trips!(store, exchange_quotes(id): quote.clone() =>
        ExchangeQuote { exchange: Some(last()), at: FIRST, figures: figures(), ..quote.clone() },
        other ExchangeQuote { id: id(0), ..quote.clone() });
    let full = Exchange {
        id: last(),
        account: last(),
        partner: last(),
        agreement: last(),
        quote: last(),
        figures: most(),
        state: ExchangeState::WrittenOff,
        hold: last(),
        reason: Some(text()),
        prepared: Some(text()),
        commit: Some(text()),
        answer: Some(text()),
        transfer: Some(last()),
        cycle: Some(u32::MAX),
        at: LAST,
        committed_at: Some(LAST),
        answered_at: Some(FIRST),
        written_off_at: Some(LAST),
        due_at: Some(FIRST),
        attempts: u32::MAX,
        told: Some(ExchangeState::Committed),
    };
    let plain = Exchange { id: last(), due_at: None, ..exchange(3, 4) };
    round_trips!(store, exchanges(id): plain => full, other exchange(0, 4));
}

async fn incoming(store: &Running) {
    let full = Incoming {
        partner: last(),
        exchange: last(),
        quote: text(),
        offer: Some(text()),
        account: Some(last()),
        agreement: Some(last()),
        figures: Some(most()),
        state: IncomingState::Fulfilled,
        prepared: Some(text()),
        commit: Some(text()),
        answer: Some(text()),
        transfer: Some(last()),
        lot: Some(last()),
        cycle: Some(u32::MAX),
        at: LAST,
        until: FIRST,
        answered_at: Some(LAST),
    };
    let plain = Incoming {
        partner: last(),
        exchange: last(),
        account: None,
        agreement: None,
        figures: None,
        prepared: None,
        state: IncomingState::Rejected,
        ..prepared(1, 2)
    };
    round_trips!(store, incoming_exchanges(partner, exchange): plain => full.clone(),
        other Incoming { exchange: id(0), quote: "other".into(), ..full.clone() });
}

async fn sums(store: &Running) {
    let day = ExchangeDay {
        partner: last(),
        account: last(),
        day: LAST,
        given: Amount::MAX,
        taken: Amount::ZERO,
    };
    round_trips!(store, exchange_days(partner, account): day.clone() =>
        ExchangeDay { day: FIRST, given: Amount::ZERO, taken: Amount::MAX, ..day.clone() },
        other ExchangeDay { account: id(0), ..day.clone() });
    let entry = PartnerEntry {
        partner: last(),
        id: last(),
        side: Side::Receivable,
        kind: EntryKind::WriteOff,
        amount: Amount::MAX,
        subject: u64::MAX >> 1,
        cycle: u32::MAX,
        at: LAST,
    };
    round_trips!(store, partner_entries(partner, id): entry.clone() =>
        PartnerEntry { side: Side::Payable, kind: EntryKind::Exchange, amount: amount(1), subject: 0, cycle: 0,
            at: FIRST, ..entry.clone() },
        other PartnerEntry { id: id(0), ..entry.clone() });
}
