//! Refunds, as the vendor and the buyer see them.

use scrip_domain::Amount;
use scrip_domain::refund::{RefundLine, RefundLot};
use scrip_domain::settings::Token;
use scrip_engine::refund::Refunded;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money::MoneyOut;

/// Tokens of an order that went back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundOut {
    #[schema(example = "rfd_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "ord_06bq3v8k2m9zc")]
    order: String,
    /// How much was given back: what came back and what had expired meanwhile.
    amount: MoneyOut,
    /// What can be spent again of it.
    returned: MoneyOut,
    /// What had been a gift that has expired meanwhile, and was gone at once.
    expired: MoneyOut,
    lines: Vec<RefundLineOut>,
    /// `revoke`: the licenses of the units that went back have ended; `keep`: the buyer keeps them.
    #[schema(example = "revoke")]
    licenses: &'static str,
    reason: String,
    at: String,
}

/// What went back of one line.
#[derive(Debug, Serialize, ToSchema)]
struct RefundLineOut {
    #[schema(example = "lin_06bq3v8k2m9zc")]
    line: String,
    /// How many of its units.
    quantity: u32,
    amount: MoneyOut,
    /// The lots that had paid it.
    lots: Vec<RefundLotOut>,
}

/// What came back to one lot.
#[derive(Debug, Serialize, ToSchema)]
struct RefundLotOut {
    #[schema(example = "lot_06bq3v8k2m9zc")]
    lot: String,
    amount: MoneyOut,
    /// What of it had expired meanwhile.
    expired: MoneyOut,
}

impl RefundOut {
    /// A refund, in the vendor's tokens.
    pub fn new(refunded: &Refunded, token: &Token) -> Self {
        let Refunded { refund, lines, lots } = refunded;
        let expired = lots.iter().map(|lot| lot.expired);
        let expired = Amount::try_sum(expired).unwrap_or(refund.amount);
        let returned = refund.amount.checked_sub(expired).unwrap_or_default();
        Self {
            id: refund.id.to_string(),
            order: refund.order.to_string(),
            amount: MoneyOut::tokens(refund.amount, token),
            returned: MoneyOut::tokens(returned, token),
            expired: MoneyOut::tokens(expired, token),
            lines: lines.iter().map(|line| RefundLineOut::new(line, lots, token)).collect(),
            licenses: refund.licenses.as_str(),
            reason: refund.reason.clone(),
            at: refund.at.to_string(),
        }
    }
}

impl RefundLineOut {
    fn new(line: &RefundLine, lots: &[RefundLot], token: &Token) -> Self {
        let lot = |lot: &RefundLot| RefundLotOut {
            lot: lot.lot.to_string(),
            amount: MoneyOut::tokens(lot.amount, token),
            expired: MoneyOut::tokens(lot.expired, token),
        };
        Self {
            line: line.line.to_string(),
            quantity: line.quantity,
            amount: MoneyOut::tokens(line.amount, token),
            lots: lots.iter().filter(|lot| lot.line == line.line).map(lot).collect(),
        }
    }
}
