//! Paying at a provider: what a merchant does from the confirmation of an order to the release of its codes, and after.
//!
//! ```text
//! draft ─▶ open ─▶ claimed ─▶ authorized ─▶ captured ─▶ paid ─▶ refund_pending ─▶ partially_refunded, refunded
//! ```
//! The provider's row says where a purchase stands; the order follows it. Whatever brings news (an answer, a notice, the
//! buyer who comes back, a look after a while) brings the provider's picture, and one command moves the order by it. So
//! nothing depends on what came first, or how often; and every call can be repeated without a second effect, so nothing
//! depends on where somebody died.
//!
//! - [`draft`]: a selection with its prices, of a visitor too.
//! - [`begin`]: the confirmation: the signed offer, and the request at the provider.
//! - [`drive`]: which call is next, and what comes of it.
//! - [`documents`]: what is believed of a picture.
//! - [`seen`]: the one command that moves an order.
//! - [`back`]: giving back.

mod back;
pub mod begin;
mod documents;
pub mod draft;
mod drive;
mod seen;
mod visit;

use scrip_domain::Id;
use scrip_domain::checkout::Checkout;
use scrip_domain::license::License;
use scrip_domain::order::{Line, Order, OrderState};
use scrip_license::jws;
use scrip_storage::Fault;

use crate::Engine;
use crate::ledger::Buyer;

/// Something was written since it was looked up: look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stale;

/// Who may confirm or cancel an order of a merchant's.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// The buyer whose it is.
    Buyer(Buyer),
    /// Whoever holds its token.
    Token,
}

impl Holder {
    /// Whether the order may be confirmed and cancelled.
    fn holds(self, order: &Order) -> bool {
        match self {
            Self::Buyer(buyer) => order.is_of(buyer.account),
            Self::Token => true,
        }
    }
}

/// An order that is paid, or is to be paid, at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtProvider {
    /// The order.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<Line>,
    /// How it is paid.
    pub checkout: Checkout,
}

impl AtProvider {
    /// Why it came to nothing. Of what is delivered the checkout tells at most that a refund was refused, which is no word
    /// to its buyer.
    pub fn reason(&self) -> Option<&str> {
        self.checkout.reason.as_deref().filter(|_| !self.order.is_released())
    }

    /// Whether the provider has approved it: none while nobody has decided.
    pub fn approved(&self) -> Option<bool> {
        match self.order.state {
            OrderState::Draft | OrderState::Open | OrderState::Claimed => None,
            // It is not sold to whoever confirmed: the tokens go back to them.
            OrderState::Authorized if self.checkout.reason.is_some() => Some(false),
            OrderState::Authorized
            | OrderState::Captured
            | OrderState::Paid
            | OrderState::RefundPending
            | OrderState::PartiallyRefunded
            | OrderState::Refunded => Some(true),
            OrderState::Declined | OrderState::Cancelled | OrderState::Expired => Some(false),
        }
    }
}

impl Engine {
    /// How an order is paid at the provider; `None` when its confirmation was never asked for.
    pub async fn at_provider(&self, order: Order) -> Result<Option<AtProvider>, Fault> {
        let Some(checkout) = self.store.checkout(order.id).await? else { return Ok(None) };
        let lines = self.store.order_lines(order.id).await?;
        Ok(Some(AtProvider { order, lines, checkout }))
    }

    /// The digest of the codes of these licenses, by which the provider knows that they were made: never the codes.
    pub(crate) async fn codes_digest(&self, licenses: &[License]) -> Result<String, Fault> {
        let mut codes = Vec::with_capacity(licenses.len());
        for license in licenses {
            codes.push(self.code(license).await?.jws);
        }
        Ok(jws::digest(&codes.join("\n")))
    }

    async fn order_and_checkout(
        &self,
        order: Id<Order>,
    ) -> Result<Option<(Order, Checkout)>, Fault> {
        let Some(checkout) = self.store.checkout(order).await? else { return Ok(None) };
        let lost = || Fault::Bug("a checkout has no order".into());
        Ok(Some((self.store.order(order).await?.ok_or_else(lost)?, checkout)))
    }
}
