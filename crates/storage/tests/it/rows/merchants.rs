//! Rows of a provider: merchants, purchase requests, holds, connections.

use scrip_domain::Amount;
use scrip_domain::connection::{Connection, ConnectionState, MerchantSubject, ReturnCode};
use scrip_domain::document::GivenBackBy;
use scrip_domain::event::Subject;
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{Counters, Reason};
use scrip_domain::lot::LotKind;
use scrip_domain::merchant::{
    Fee, KeyOwner, Merchant, MerchantEvent, MerchantEventKind, MerchantKey, MerchantLimits,
    MerchantState, MerchantTransfer, MerchantUrl, Payout,
};
use scrip_domain::purchase_request::{
    Notice, PurchaseRequest, RequestRefund, RequestRefundLot, RequestState,
};
use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, money, same, text};
use crate::commands::{amount, change, id, look};
use crate::home::{NOON, Running};

/// Every row of a provider.
pub async fn all(store: &Running) {
    merchants(store).await;
    happenings(store).await;
    requests(store).await;
    refunds(store).await;
    connections(store).await;
}

/// A merchant, with the plainest of each thing.
pub fn merchant(number: u64) -> Merchant {
    Merchant {
        id: id(number),
        name: String::new(),
        url: format!("https://{number}.example"),
        return_origins: Vec::new(),
        limits: MerchantLimits { order: amount(50), open: 5, day: amount(100) },
        fee: Fee::default(),
        threshold: Amount::ZERO,
        state: MerchantState::Active,
        invitation: None,
        balance: Counters::default(),
        seq: 0,
        open: 0,
        day: FIRST,
        day_captured: Amount::ZERO,
        created_at: NOON,
    }
}

/// A request of that merchant, nobody's yet.
pub fn request(number: u64, merchant: u64) -> PurchaseRequest {
    let mut reference = [0; 32];
    reference[..8].copy_from_slice(&number.to_be_bytes());
    let request = PurchaseRequest {
        id: id(number),
        merchant: id(merchant),
        order: format!("ord_{number}"),
        account: None,
        state: RequestState::Open,
        amount: amount(10),
        offer: text(),
        confirmation: None,
        receipt: None,
        fulfilment: None,
        reference,
        code: None,
        hold: None,
        fee: Amount::ZERO,
        refunded: Amount::ZERO,
        opened_at: NOON,
        decided_at: None,
        captured_at: None,
        fulfilled_at: None,
        pay_until: NOON,
        hold_until: None,
        fulfil_until: None,
        refund_until: None,
        due_at: None,
    };
    request.settled()
}

async fn merchants(store: &Running) {
    let full = Merchant {
        name: text(),
        return_origins: vec![text(), String::new()],
        limits: MerchantLimits { order: Amount::MAX, open: u32::MAX, day: Amount::MAX },
        fee: Fee { basis_points: 10_000, fixed: Amount::MAX },
        threshold: Amount::MAX,
        state: MerchantState::Invited,
        invitation: Some([255; 32]),
        balance: Counters { debits: u64::MAX >> 1, credits: 1 },
        seq: u64::MAX >> 1,
        open: u32::MAX,
        day: LAST,
        day_captured: Amount::MAX,
        ..merchant(u64::MAX >> 1)
    };
    round_trips!(store, merchants(id): merchant(u64::MAX >> 1) => full, other merchant(0));
    let url = MerchantUrl { url: text(), merchant: last() };
    round_trips!(store, merchant_urls(url): url.clone() => MerchantUrl { merchant: id(0), ..url.clone() },
        other MerchantUrl { url: String::new(), ..url.clone() });
    let most = u64::MAX >> 1;
    let key = MerchantKey {
        merchant: last(),
        owner: KeyOwner::Staff,
        key: most,
        fingerprint: most,
        target: most,
    };
    round_trips!(store, merchant_keys(merchant, owner, key): key.clone() =>
        MerchantKey { fingerprint: 0, target: 0, ..key.clone() },
        other MerchantKey { owner: KeyOwner::Merchant, ..key.clone() });
}

async fn happenings(store: &Running) {
    let line = MerchantTransfer { merchant: last(), transfer: last() };
    round_trips!(store, merchant_transfers(merchant, transfer): line.clone() => line.clone(),
        other MerchantTransfer { merchant: id(0), ..line.clone() });
    let event = MerchantEvent {
        merchant: last(),
        seq: u64::MAX >> 1,
        kind: MerchantEventKind::Refunded,
        request: Some(last()),
        at: LAST,
    };
    round_trips!(store, merchant_events(merchant, seq): event.clone() =>
        MerchantEvent { kind: MerchantEventKind::PaidOut, request: None, at: FIRST, ..event.clone() },
        other MerchantEvent { seq: 1, ..event.clone() });
    let payout = Payout {
        merchant: last(),
        id: last(),
        tokens: Amount::MAX,
        money: money(),
        reference: text(),
        transfer: last(),
        at: LAST,
    };
    round_trips!(store, payouts(merchant, id): payout.clone() =>
        Payout { tokens: amount(1), reference: String::new(), ..payout.clone() },
        other Payout { merchant: id(0), id: id(0), ..payout.clone() });
    let notice = Notice { request: last(), due_at: LAST, until: FIRST, attempts: u32::MAX };
    round_trips!(store, notices(request): notice.clone() => Notice { attempts: 0, ..notice.clone() },
        other Notice { request: id(0), ..notice.clone() });
}

async fn requests(store: &Running) {
    let most = u64::MAX >> 1;
    let full = PurchaseRequest {
        account: Some(last()),
        state: RequestState::PartiallyRefunded,
        amount: Amount::MAX,
        confirmation: Some(text()),
        receipt: Some(text()),
        fulfilment: Some(String::new()),
        code: Some(ReturnCode { hash: [255; 32], until: LAST }),
        hold: Some(last()),
        fee: Amount::MAX,
        refunded: Amount::MAX,
        decided_at: Some(LAST),
        captured_at: Some(FIRST),
        fulfilled_at: Some(LAST),
        pay_until: LAST,
        hold_until: Some(FIRST),
        fulfil_until: Some(LAST),
        refund_until: Some(FIRST),
        due_at: Some(LAST),
        ..request(most, most)
    };
    round_trips!(store, purchase_requests(id): request(most, most) => full, other request(0, 0));
    let hold = Hold {
        id: last(),
        wallet: last(),
        amount: Amount::MAX,
        reason: Reason::Hold,
        subject: Subject(most),
        state: HoldState::Open,
        created_at: FIRST,
        expires_at: LAST,
        resolved_at: None,
    };
    round_trips!(store, holds(id): hold.clone() => hold.ended(HoldState::Expired, NOON),
        other Hold { id: id(0), ..hold.clone() });
    let lot = HoldLot {
        hold: last(),
        lot: last(),
        kind: LotKind::Credit,
        amount: Amount::MAX,
        place: u32::MAX,
    };
    round_trips!(store, hold_lots(hold): lot.clone() => HoldLot { place: 0, kind: LotKind::Promo, ..lot.clone() },
        other HoldLot { hold: id(0), ..lot.clone() });
}

async fn refunds(store: &Running) {
    let refund = RequestRefund {
        request: last(),
        id: last(),
        transfer: Some(last()),
        amount: Amount::MAX,
        by: GivenBackBy::Deadline,
        reason: text(),
        document: text(),
        at: LAST,
    };
    round_trips!(store, request_refunds(request): refund.clone() =>
        RequestRefund { transfer: None, amount: Amount::ZERO, by: GivenBackBy::Merchant, ..refund.clone() },
        other RequestRefund { request: id(0), id: id(0), ..refund.clone() });
    let lot = RequestRefundLot {
        request: last(),
        refund: last(),
        lot: last(),
        amount: Amount::MAX,
        expired: Amount::MAX,
    };
    round_trips!(store, request_refund_lots(request): lot.clone() =>
        RequestRefundLot { expired: Amount::ZERO, ..lot.clone() },
        other RequestRefundLot { request: id(0), ..lot.clone() });
}

async fn connections(store: &Running) {
    let connection = Connection {
        id: last(),
        merchant: last(),
        return_url: text(),
        reference: [255; 32],
        state: ConnectionState::Open,
        account: None,
        code: None,
        created_at: FIRST,
        expires_at: LAST,
    };
    round_trips!(store, connections(id): connection.clone() => Connection {
        state: ConnectionState::Approved, account: Some(last()),
        code: Some(ReturnCode { hash: [1; 32], until: FIRST }), ..connection.clone()
    }, other Connection { id: id(0), reference: [0; 32], ..connection.clone() });
    let subject = MerchantSubject {
        merchant: last(),
        subject: [255; 16],
        account: last(),
        share_funded: true,
        muted: false,
        at: LAST,
    };
    round_trips!(store, merchant_subjects(merchant, subject): subject.clone() =>
        MerchantSubject { share_funded: false, muted: true, account: id(0), ..subject.clone() },
        other MerchantSubject { subject: [0; 16], ..subject.clone() });
}
