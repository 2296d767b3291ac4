//! The one index by account: everything that is looked up by account lies side by side.
//!
//! A purchase adds an order, a statement line, an event, an owned product and an idempotency key. As five
//! indices that would be five randomly placed pages per purchase, the largest cost of all after the
//! commit itself; as one it is a single page, for as long as an account's entries fit one. So there are
//! three entries, not five: order, transfer and event of a purchase in one step bear one number, under
//! which one entry lists all three. What tells that its licenses were issued is listed by none: it is found
//! through the event of its order.

use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::coupon::Coupon;
use scrip_domain::event::{Event, Subject};
use scrip_domain::exchange::Exchange;
use scrip_domain::ledger::Transfer;
use scrip_domain::license::License;
use scrip_domain::order::{Line, Order};
use scrip_domain::request::Request;
use scrip_domain::top_up::TopUp;
use scrip_domain::voucher::VoucherBatch;
use scrip_domain::{Id, Timestamp};
use scrip_license::Terms;

/// An entry: under `kind` and `key`, `account` has `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub account: Id<Account>,
    /// Which list; see the constants.
    pub kind: u8,
    /// What it is found by.
    pub key: u64,
    /// What is found.
    pub target: u64,
    /// A word more: the fingerprint of a request; else zero.
    pub note: u64,
}

/// Orders, by id; but for those that are a [`PURCHASE`].
pub const ORDER: u8 = 1;
/// What is not sold twice, by product: perpetual licenses in force, and with the note [`TRIAL`] trials that were had.
pub const OWNED: u8 = 2;
/// The note of a trial among those.
pub const TRIAL: u64 = 1;
/// All other licenses, by product. Apart from those: there may be any number of these, and no purchase
/// need look at them.
pub const LICENSED: u8 = 6;
/// Idempotency keys, by their number.
pub const REQUEST: u8 = 3;
/// Statement lines (transfers), by id; but for those of a [`PURCHASE`].
pub const TRANSFER: u8 = 4;
/// Top-ups, by id.
pub const TOP_UP: u8 = 5;
/// Top-ups by voucher, by batch.
pub const VOUCHER: u8 = 7;
/// Orders that were paid with a coupon, by coupon.
pub const COUPON: u8 = 8;
/// Events, by id; but for those of a [`PURCHASE`].
pub const EVENT: u8 = 13;
/// Exchanges for partners' tokens, by id.
pub const EXCHANGE: u8 = 14;

/// Purchases in one step, by the number that order, transfer and event bear together.
pub const PURCHASE: u8 = 15;
/// Lines of orders whose tokens a provider holds or has taken, and whose codes are not out yet, by product: of what is not
/// sold twice, with the note of what will be [`OWNED`].
pub const PROMISED: u8 = 16;

/// The kinds that list orders.
pub(crate) const ORDERS: [u8; 2] = [ORDER, PURCHASE];
/// The kinds that list statement lines.
pub(crate) const TRANSFERS: [u8; 2] = [TRANSFER, PURCHASE];
/// The kinds that list events.
pub(crate) const EVENTS: [u8; 2] = [EVENT, PURCHASE];

/// What an entry is asked for by.
pub type Group = (Id<Account>, u8, u64);

impl Entry {
    /// `account` has this order.
    pub fn order(account: Id<Account>, order: Id<Order>) -> Self {
        Self { account, kind: ORDER, key: order.number(), target: order.number(), note: 0 }
    }

    /// `account` has bought this in one step: the order, and the transfer and the event of its number.
    pub fn purchase(account: Id<Account>, order: Id<Order>) -> Self {
        Self { kind: PURCHASE, ..Self::order(account, order) }
    }

    /// `account` has this license of a product; `lasting` when it is a valid perpetual one.
    pub fn license(
        account: Id<Account>,
        product: Id<Product>,
        license: Id<License>,
        lasting: bool,
    ) -> Self {
        let kind = if lasting { OWNED } else { LICENSED };
        Self { account, kind, key: product.number(), target: license.number(), note: 0 }
    }

    /// Where a license is listed as it is now.
    pub fn of_license(license: &License) -> Self {
        let License { account, product, id, terms, .. } = license;
        let trial = matches!(terms, Terms::Trial { .. }) && license.is_kept();
        let note = if trial { TRIAL } else { 0 };
        Self { note, ..Self::license(*account, *product, *id, license.is_kept()) }
    }

    /// `account` is about to be sold what `line` sells; none of what is simply sold again.
    pub fn promised(account: Id<Account>, line: &Line) -> Option<Self> {
        let note = match line.terms {
            Terms::Perpetual => 0,
            Terms::Trial { .. } => TRIAL,
            Terms::Rental { .. } | Terms::Uses { .. } | Terms::Processings { .. } => return None,
        };
        let (key, target) = (line.product.number(), line.id.number());
        Some(Self { account, kind: PROMISED, key, target, note })
    }

    /// `account` has used this idempotency key, which names `subject`.
    pub fn request(account: Id<Account>, request: Request, subject: Subject) -> Self {
        Self {
            account,
            kind: REQUEST,
            key: request.key,
            target: subject.0,
            note: request.fingerprint,
        }
    }

    /// `account` has this line on its statement.
    pub fn transfer(account: Id<Account>, transfer: Id<Transfer>) -> Self {
        Self { account, kind: TRANSFER, key: transfer.number(), target: transfer.number(), note: 0 }
    }

    /// `account` has this top-up.
    pub fn top_up(account: Id<Account>, top_up: Id<TopUp>) -> Self {
        Self { account, kind: TOP_UP, key: top_up.number(), target: top_up.number(), note: 0 }
    }

    /// `account` has redeemed a voucher of this batch for a top-up.
    pub fn voucher(account: Id<Account>, batch: Id<VoucherBatch>, top_up: Id<TopUp>) -> Self {
        Self { account, kind: VOUCHER, key: batch.number(), target: top_up.number(), note: 0 }
    }

    /// This happened to `account`.
    pub fn event(account: Id<Account>, event: Id<Event>) -> Self {
        Self { account, kind: EVENT, key: event.number(), target: event.number(), note: 0 }
    }

    /// `account` has given tokens in this exchange.
    pub fn exchange(account: Id<Account>, exchange: Id<Exchange>) -> Self {
        let number = exchange.number();
        Self { account, kind: EXCHANGE, key: number, target: number, note: 0 }
    }

    /// `account` has paid this order with a coupon.
    pub fn coupon(account: Id<Account>, coupon: Id<Coupon>, order: Id<Order>) -> Self {
        Self { account, kind: COUPON, key: coupon.number(), target: order.number(), note: 0 }
    }
}

/// How a server's id mint is leased: no number is minted beyond the ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLease {
    /// The server's number, 0 to 255.
    pub number: u8,
    /// Up to when it may mint ids.
    pub ceiling: Timestamp,
    /// Since when ids have run ahead of the clock, after one that was set back or a restore; kept for good.
    pub ahead_from: Option<Timestamp>,
    /// No id was minted for a later time while they did; there is one beside the other.
    pub ahead_until: Option<Timestamp>,
}

/// A receipt: the number under which an order's payment was receipted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Counted up without gaps.
    pub number: u64,
    /// The order.
    pub order: Id<Order>,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// A ticket with which bytes were sent, or the code as one that was issued with its license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedTicket {
    /// By the right of which license.
    pub license: Id<License>,
    /// Which file.
    pub file: Id<scrip_domain::catalog::File>,
    /// When the ticket was issued: its name beside license and file.
    pub issued_at: Timestamp,
    /// When its first bytes were sent.
    pub at: Timestamp,
}

/// A download that counts: bytes of the file's tail were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// By the right of which license.
    pub license: Id<License>,
    /// Which file.
    pub file: Id<scrip_domain::catalog::File>,
    /// When the first byte of the tail was sent.
    pub at: Timestamp,
}
