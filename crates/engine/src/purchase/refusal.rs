//! Why nothing was bought.

use scrip_domain::extension::NotExtendable;
use scrip_domain::gate::GateRefusal;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::request::RequestId;
use scrip_domain::visibility::Level;
use scrip_domain::{Amount, Id};

use crate::throttle::RetryAfter;

/// Why a selection was not bought. Nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurchaseRefusal {
    /// The gate stays shut.
    Gate(GateRefusal),
    /// The balance was not enough; the order is on record as declined.
    Declined {
        /// The declined order.
        order: Id<Order>,
        /// What was missing.
        gate: GateRefusal,
        /// The request that was declined first, when this is the same one again.
        replayed: Option<RequestId>,
    },
    /// An offer of the selection is not for sale; the index of its line.
    NotForSale(usize),
    /// The buyer may not see the price of a line.
    PriceHidden {
        /// The index of the line.
        line: usize,
        /// What would see it.
        needs: Level,
        /// What stands before that: no account, or one that permits nothing.
        first: Option<GateRefusal>,
    },
    /// The coupon does not open for this selection and account, or there is none with this word.
    CouponRefused,
    /// The uses of the order's coupon were used up by others meanwhile.
    CouponUsedUp,
    /// Too many coupons were tried.
    RateLimited(RetryAfter),
    /// Too many orders were sent to the provider from there, for which nobody was signed in.
    TooManyOrders(RetryAfter),
    /// Too many orders of this account were declined for its balance.
    DeclinedTooOften(RetryAfter),
    /// The total is now another.
    PriceChanged(Amount),
    /// A valid perpetual license of this line's product is owned; the index of the line.
    AlreadyOwned(usize),
    /// A trial of this line's product was had before, or is asked for twice; the index of the line.
    TrialUsed(usize),
    /// The license that a line adds to is not the buyer's, or is not there; the index of the line.
    NoSuchLicense(usize),
    /// A line cannot add to its license.
    NotExtendable {
        /// The index of the line.
        line: usize,
        /// Why.
        why: NotExtendable,
    },
    /// With what is in its bundles it has too many lines or units.
    TooManyParts,
    /// The selection was kept too long ago.
    SelectionTooOld,
    /// The sum is out of range.
    TooMuch,
    /// There is no such order of this account.
    NoSuchOrder,
    /// The order is in this state, and not paid, so there is no receipt.
    NotPaid(OrderState),
    /// The order is neither a draft nor declined for funds.
    NotDraft(OrderState),
    /// The draft was not confirmed in time.
    Expired,
    /// The idempotency key was used for something else.
    KeyReused,
    /// The merchant's provider does not take the order; by a word of its own. It is on record as declined.
    ProviderRefused {
        /// The order.
        order: Id<Order>,
        /// Why.
        code: String,
        /// The request that was refused first, when this is the same one again.
        replayed: Option<RequestId>,
    },
}
