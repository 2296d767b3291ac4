//! What is believed of the provider's picture: its signed documents, each on top of those before it.
//!
//! The word for the state that comes with a picture moves nothing that is worth anything; the documents do. One is believed
//! when the provider has signed it for this merchant, for this order and request, when it names the one before by its
//! digest, and when its amounts are those of the order. One that was believed stays: another in its place is not.
//!
//! A last word on other codes is not believed either, with one exception: a server that was restored from a backup has made
//! its codes anew, and its provider still has the digest of those that were forgotten. What the provider said before the
//! restore is its word that the tokens stay: so the order is delivered, with the codes that there are now. The forgotten ones are
//! unknown here, so nothing is delivered twice.

use scrip_domain::checkout::Checkout;
use scrip_domain::document::{
    Confirmation, Decided, Document, Fulfilment, Outcome, Receipt, Refunding,
};
use scrip_domain::license::License;
use scrip_domain::order::{Order, OrderState};
use scrip_domain::purchase_request::RequestState;
use scrip_domain::{Amount, Span, Timestamp};
use scrip_license::jws;
use scrip_storage::Fault;

use crate::Engine;
use crate::peer::PeerError;
use crate::provider::{Picture, Provider};

/// Two servers' clocks may be so far from each other.
const CLOCKS: Span = Span::minutes(1);

/// A document as it came, and what it says.
pub(super) type Read<T> = (String, T);

/// What is believed of a picture.
#[derive(Clone, Debug)]
pub(super) struct Believed {
    pub state: RequestState,
    pub confirmation: Option<Read<Confirmation>>,
    pub receipt: Option<Read<Receipt>>,
    pub fulfilment: Option<Read<Fulfilment>>,
    /// Oldest first.
    pub refunds: Vec<Read<Refunding>>,
}

/// What documents are held against.
struct Case<'a> {
    provider: &'a dyn Provider,
    audience: &'a str,
    order: &'a Order,
    checkout: &'a Checkout,
    /// When this server was last restored.
    restored_at: Option<Timestamp>,
}

fn unbelievable<T>(why: &str) -> Result<T, PeerError> {
    Err(PeerError::Unbelievable(why.to_owned()))
}

impl Engine {
    /// Reads a picture of the order's request.
    pub(super) async fn believe(
        &self,
        order: &Order,
        checkout: &Checkout,
        licenses: &[License],
        picture: Picture,
    ) -> Result<Result<Believed, PeerError>, Fault> {
        let Some(provider) = self.provider() else { return Ok(unbelievable("no provider")) };
        // Only codes that are made can have been reported.
        let codes = match order.state {
            OrderState::Captured => Some(self.codes_digest(licenses).await?),
            _ => None,
        };
        let (audience, restored_at) = (self.public_url(), self.restored_at());
        let case = Case { provider, audience, order, checkout, restored_at };
        Ok(case.read(picture, codes.as_deref()).await)
    }
}

impl Case<'_> {
    async fn read(&self, picture: Picture, codes: Option<&str>) -> Result<Believed, PeerError> {
        if self.checkout.request.as_deref() != Some(picture.id.as_str()) {
            return unbelievable("a picture of another request");
        }
        let confirmation = match picture.confirmation {
            Some(text) => Some(self.confirmation(text).await?),
            None => None,
        };
        let receipt = match picture.receipt {
            Some(text) => Some(self.receipt(text, confirmation.as_ref()).await?),
            None => None,
        };
        let fulfilment = match (picture.fulfilment, codes) {
            (Some(text), Some(codes)) => {
                Some(self.fulfilment(text, receipt.as_ref(), codes).await?)
            }
            _ => None,
        };
        let refunds = self.refunds(picture.refunds, receipt.as_ref()).await?;
        Ok(Believed { state: picture.state, confirmation, receipt, fulfilment, refunds })
    }

    /// The claims of a document of the provider's for this merchant, which is the one that is kept, if one is.
    async fn signed<T: Document>(&self, text: &str, kept: Option<&String>) -> Result<T, PeerError> {
        if kept.is_some_and(|kept| kept != text) {
            return unbelievable("another document in the place of one that was signed");
        }
        let claims = self.provider.read(T::TYP, text).await?;
        let document: T = serde_json::from_value(claims)
            .map_err(|error| PeerError::Unbelievable(error.to_string()))?;
        if document.issuer() != self.provider.url() || document.audience() != self.audience {
            return unbelievable("a document for or from somebody else");
        }
        Ok(document)
    }

    fn ours(&self, order: &str, request: &str) -> Result<(), PeerError> {
        let known = self.checkout.request.as_deref();
        if order != self.order.id.to_string() || Some(request) != known {
            return unbelievable("a document about something else");
        }
        Ok(())
    }

    async fn confirmation(&self, text: String) -> Result<Read<Confirmation>, PeerError> {
        let kept = self.checkout.confirmation.as_ref();
        let read: Confirmation = self.signed(&text, kept).await?;
        self.ours(&read.order, &read.request)?;
        if read.offer != jws::digest(&self.checkout.offer) {
            return unbelievable("a confirmation of another offer");
        }
        let approved = read.decision == Decided::Approved;
        if approved && (read.subject.is_none() || read.amount != self.order.total) {
            return unbelievable("a confirmation by nobody, or of another amount");
        }
        Ok((text, read))
    }

    async fn receipt(
        &self,
        text: String,
        confirmation: Option<&Read<Confirmation>>,
    ) -> Result<Read<Receipt>, PeerError> {
        let read: Receipt = self.signed(&text, self.checkout.receipt.as_ref()).await?;
        self.ours(&read.order, &read.request)?;
        let Some((before, confirmed)) = confirmation else {
            return unbelievable("a receipt without a confirmation");
        };
        if read.confirmation != jws::digest(before) || confirmed.decision != Decided::Approved {
            return unbelievable("a receipt for another confirmation");
        }
        if read.amount != self.order.total || read.fee > read.amount {
            return unbelievable("a receipt of another amount");
        }
        Ok((text, read))
    }

    async fn fulfilment(
        &self,
        text: String,
        receipt: Option<&Read<Receipt>>,
        codes: &str,
    ) -> Result<Read<Fulfilment>, PeerError> {
        let read: Fulfilment = self.signed(&text, self.checkout.fulfilment.as_ref()).await?;
        self.ours(&read.order, &read.request)?;
        let before = receipt.map(|(text, _)| jws::digest(text));
        if Some(&read.receipt) != before.as_ref() {
            return unbelievable("a last word on another receipt");
        }
        // What was given back before was perhaps never reported; what is to be delivered was.
        let forgotten =
            self.restored_at.is_some_and(|at| read.issued_at <= at.plus(CLOCKS).unix_seconds());
        if read.outcome == Outcome::Fulfilled && read.codes != codes && !forgotten {
            return unbelievable("a last word on other codes");
        }
        Ok((text, read))
    }

    async fn refunds(
        &self,
        texts: Vec<String>,
        receipt: Option<&Read<Receipt>>,
    ) -> Result<Vec<Read<Refunding>>, PeerError> {
        let before = receipt.map(|(text, _)| jws::digest(text));
        let kept = &self.checkout.refunds;
        if texts.len() < kept.len() {
            return unbelievable("fewer refunds than were signed");
        }
        let mut all = Vec::with_capacity(texts.len());
        let mut sum = Amount::ZERO;
        for (index, text) in texts.into_iter().enumerate() {
            let read: Refunding = self.signed(&text, kept.get(index)).await?;
            self.ours(&read.order, &read.request)?;
            if Some(&read.receipt) != before.as_ref() {
                return unbelievable("a refund of another receipt");
            }
            let total = sum.checked_add(read.amount).filter(|sum| *sum <= self.order.total);
            match total {
                Some(total) if total == read.refunded => sum = total,
                _ => return unbelievable("refunds that do not add up"),
            }
            all.push((text, read));
        }
        Ok(all)
    }
}
