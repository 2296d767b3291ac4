//! The provider as a merchant's engine sees it: a port, and no I/O of its own.
//!
//! **Every verb answers with the provider's picture of the purchase request.** One command of the engine moves an order
//! by such a picture, whether it came as an answer, after a notice, with the buyer's return, or by asking; so that nothing
//! depends on which of them came first, or how often. Every verb can be repeated without a second effect.

use std::fmt;

use futures_util::future::BoxFuture;
use scrip_domain::purchase_request::RequestState;
use scrip_domain::{Amount, Span, Timestamp};

use crate::mail::Posted;
use crate::mail::forward::Forwarded;
use crate::peer::PeerError;

/// What a verb comes to.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, PeerError>>;

/// Somebody who keeps accounts and wallets for merchants.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Its address: the `iss` of what it signs, the `aud` of what is signed for it.
    fn url(&self) -> &str;

    /// Accepts the invitation with this token. Doing it again changes nothing.
    fn accept<'a>(&'a self, invitation: &'a str) -> Asked<'a, Accepted>;

    /// Opens a request for a signed offer. `order` is the idempotency key.
    fn open<'a>(&'a self, order: &'a str, offer: &'a str) -> Asked<'a, Opened>;

    /// The request as it is now.
    fn request<'a>(&'a self, request: &'a str) -> Asked<'a, Picture>;

    /// Takes what is held, whole.
    fn capture<'a>(&'a self, request: &'a str) -> Asked<'a, Picture>;

    /// Reports that codes with this digest are minted and withheld. The picture has the provider's final word.
    fn fulfilled<'a>(&'a self, request: &'a str, codes: &'a str) -> Asked<'a, Picture>;

    /// Takes the request back. What was captured stays so, and the picture says it.
    fn cancel<'a>(&'a self, request: &'a str) -> Asked<'a, Picture>;

    /// Gives so much back. `refund` is the idempotency key.
    fn refund<'a>(
        &'a self,
        request: &'a str,
        refund: &'a str,
        amount: Amount,
        reason: &'a str,
    ) -> Asked<'a, Picture>;

    /// Opens a connection, by which a buyer signs in through the provider. `connection` is the idempotency key.
    fn connect<'a>(&'a self, connection: &'a str, return_url: &'a str) -> Asked<'a, Opened>;

    /// What happened to this merchant's requests since, after the event of this number: the numbers, oldest first, and
    /// which request each is about.
    fn events(&self, since: Timestamp, after: u64) -> Asked<'_, Vec<(u64, Option<String>)>>;

    /// Redeems the code with which a buyer came back.
    fn redeem<'a>(&'a self, return_code: &'a str) -> Asked<'a, Returned>;

    /// What a subject shares now.
    fn standing<'a>(&'a self, subject: &'a str) -> Asked<'a, Standing>;

    /// Forwards a letter to a subject, and says what its mail server said. The name of the letter makes one that comes twice
    /// known again.
    fn forward<'a>(&'a self, subject: &'a str, letter: &'a Forwarded) -> Asked<'a, Posted>;

    /// What this merchant has earned there.
    fn balance(&self) -> Asked<'_, Earned>;

    /// The latest lines of its statement there, newest first.
    fn statement(&self) -> Asked<'_, Vec<Moved>>;

    /// Reads a document of the provider's: its claims, if its signature is right.
    fn read<'a>(&'a self, typ: &'a str, document: &'a str) -> Asked<'a, serde_json::Value>;
}

/// What this merchant is at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The provider's name of it.
    pub merchant: String,
    /// Where it stands there, by the provider's word.
    pub state: String,
}

/// What a merchant has at its provider, in smallest units of the provider's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earned {
    /// The provider's name of the merchant.
    pub merchant: String,
    /// Where it stands there, by the provider's word.
    pub state: String,
    /// Captures less fees, refunds and payouts; below zero is a debt.
    pub net: i64,
    /// What still waits for delivery, or for the end of its refund window.
    pub pending: Amount,
    /// What can be paid out.
    pub payable: Amount,
}

/// A line of a merchant's statement at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The provider's name of it.
    pub id: String,
    /// Whether it came in.
    pub is_in: bool,
    /// How much, in smallest units of the provider's token.
    pub amount: Amount,
    /// Why: `capture`, `fee`, `refund`, `payout`, or a word of a later version.
    pub reason: String,
    /// The purchase request or the payout, by the provider's name.
    pub subject: String,
    /// When.
    pub at: Timestamp,
}

/// Something was opened at the provider, to which the buyer is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The provider's name of it.
    pub id: String,
    /// Where the buyer goes.
    pub url: String,
    /// For how long it waits for the buyer.
    pub expires_in: Span,
}

/// The provider's picture of a purchase request, with the documents that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The provider's name of it.
    pub id: String,
    /// Where it stands.
    pub state: RequestState,
    /// The signed confirmation, once the buyer has decided.
    pub confirmation: Option<String>,
    /// The signed receipt, once it was captured.
    pub receipt: Option<String>,
    /// The signed fulfilment, once the merchant has reported it.
    pub fulfilment: Option<String>,
    /// The signed refunds, oldest first.
    pub refunds: Vec<String>,
}

/// Who came back with a return code, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The buyer, under a name that only this merchant knows.
    pub subject: String,
    /// The purchase request that they confirmed or declined, if they come from one.
    pub request: Option<Picture>,
    /// The connection that they approved, if they come from one.
    pub connection: Option<String>,
    /// What they share.
    pub standing: Standing,
}

/// What a buyer lets a merchant know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the balance is at or above the threshold; none where the buyer does not share it.
    pub funded: Option<bool>,
}
