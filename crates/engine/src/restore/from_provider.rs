//! A merchant that was restored asks its provider: what it did since is in the provider's feed, request by request.
//!
//! What the books know is moved by the one command that every picture goes through. What they do not know is listed: an
//! order that was not delivered goes back to its buyer by the provider's deadline, whatever happens here; one that was
//! delivered has a code that these books have never heard of.

use std::collections::BTreeSet;

use scrip_domain::Amount;
use scrip_domain::document::{Document, Fulfilment, Outcome as Word, Receipt, Refunding};
use scrip_domain::purchase_request::PurchaseRequest;
use scrip_domain::restore::{Epoch, Lack, Reunion};
use scrip_storage::Fault;

use super::{Heard, Lacking};
use crate::Engine;
use crate::peer::PeerError;
use crate::provider::{Picture, Provider};

impl Engine {
    /// A page of the provider's feed.
    pub(super) async fn hear_provider(
        &self,
        reunion: &Reunion,
        epoch: &Epoch,
    ) -> Result<Result<Heard, String>, Fault> {
        let provider = match self.provider() {
            Some(provider) if provider.url() == reunion.peer => provider,
            _ => return Ok(Err("this is not the provider that is configured".to_owned())),
        };
        let after = reunion.place.parse().unwrap_or(0);
        let events = match provider.events(epoch.since, after).await {
            Ok(events) => events,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let requests: BTreeSet<&String> =
            events.iter().filter_map(|(_, request)| request.as_ref()).collect();
        for request in requests {
            if let Err(error) = self.hear_request(provider, reunion, request).await? {
                return Ok(Err(error.to_string()));
            }
        }
        Ok(Ok(Heard { next: events.last().map(|(seq, _)| seq.to_string()) }))
    }

    async fn hear_request(
        &self,
        provider: &dyn Provider,
        reunion: &Reunion,
        request: &str,
    ) -> Result<Result<(), PeerError>, Fault> {
        let picture = match provider.request(request).await {
            Ok(picture) => picture,
            Err(error) => return Ok(Err(error)),
        };
        let Some(checkout) = self.store.checkout_by_request(request).await? else {
            return self.unknown(provider, reunion, &picture).await;
        };
        let order = checkout.order;
        let fulfilment = picture.fulfilment.clone();
        self.shown(order, picture).await?;
        // Delivered before the backup's self was forgotten: with codes that these books do not have.
        if let (Some(fulfilment), None) = (fulfilment, &checkout.fulfilment) {
            let said: Fulfilment = match read(provider, &fulfilment).await {
                Ok(said) => said,
                Err(error) => return Ok(Err(error)),
            };
            let licenses = self.store.licenses_of_orders(&[order]).await?;
            let others = said.codes != self.codes_digest(&licenses).await?;
            if said.outcome == Word::Fulfilled && others {
                let total = self.store.order(order).await?.map_or(Amount::ZERO, |row| row.total);
                let detail = "delivered anew: its buyer may hold codes from after the backup, which are unknown here";
                let order = order.to_string();
                let name = request.to_owned();
                let lacking =
                    Lacking { name, order, lack: Lack::Code, amount: total, detail: detail.into() };
                self.list(reunion, lacking).await?;
            }
        }
        Ok(Ok(()))
    }

    /// A request of which these books know nothing: what is at stake is what was captured and did not go back.
    async fn unknown(
        &self,
        provider: &dyn Provider,
        reunion: &Reunion,
        picture: &Picture,
    ) -> Result<Result<(), PeerError>, Fault> {
        let said = match settled(provider, picture).await {
            Ok(Some(said)) => said,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        let (receipt, left, fulfilled) = said;
        if left.is_zero() {
            return Ok(Ok(()));
        }
        let (lack, detail) = if fulfilled {
            (
                Lack::Code,
                "paid and delivered after the backup, and unknown here: give it back at the provider, or hand out a code",
            )
        } else {
            (
                Lack::Order,
                "captured after the backup and not delivered: the provider gives it back by its deadline",
            )
        };
        let Ok(name) = picture.id.parse::<scrip_domain::Id<PurchaseRequest>>() else {
            return Ok(Err(PeerError::Unbelievable("a request without a name".to_owned())));
        };
        let order: String = receipt.order.chars().take(100).collect();
        self.list(reunion, Lacking::of(name, &order, lack, left, detail)).await?;
        Ok(Ok(()))
    }
}

/// The receipt, what did not go back, and whether it was delivered; none of what was never captured.
async fn settled(
    provider: &dyn Provider,
    picture: &Picture,
) -> Result<Option<(Receipt, Amount, bool)>, PeerError> {
    let Some(receipt) = &picture.receipt else { return Ok(None) };
    let receipt: Receipt = read(provider, receipt).await?;
    let refunded = match picture.refunds.last() {
        Some(last) => read::<Refunding>(provider, last).await?.refunded,
        None => Amount::ZERO,
    };
    let fulfilled = match &picture.fulfilment {
        Some(text) => read::<Fulfilment>(provider, text).await?.outcome == Word::Fulfilled,
        None => false,
    };
    let left = receipt.amount.checked_sub(refunded).unwrap_or(Amount::ZERO);
    Ok(Some((receipt, left, fulfilled)))
}

async fn read<T: Document>(provider: &dyn Provider, text: &str) -> Result<T, PeerError> {
    let claims = provider.read(T::TYP, text).await?;
    serde_json::from_value(claims).map_err(|error| PeerError::Unbelievable(error.to_string()))
}
