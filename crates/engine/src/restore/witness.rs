//! What a merchant tells a provider that was restored: every document that the provider has signed since.
//!
//! All of it is the provider's own word, with the offers that it was given for. So nothing is told that the provider did not
//! know, and nobody but the provider is told.

use base64ct::{Base64UrlUnpadded, Encoding};
use scrip_domain::checkout::Checkout;
use scrip_domain::order::Order;
use scrip_domain::{Id, Timestamp};
use scrip_storage::Fault;

use crate::Engine;

/// Checkouts that are looked through for one page.
const SCAN: u32 = 200;
/// About so many bytes make a page.
const PAGE: usize = 512 * 1024;

/// A page of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Those of one order each, in the order of their ids.
    pub checkouts: Vec<Checkout>,
    /// The order after which the next page begins; none on the last one.
    pub next: Option<Id<Order>>,
}

impl Engine {
    /// The documents of orders after this one of which the provider has signed something since.
    pub async fn documents_since(
        &self,
        since: Timestamp,
        after: Id<Order>,
    ) -> Result<Witnessed, Fault> {
        let scanned = self.store.checkouts_from(after, SCAN).await?;
        let full = u32::try_from(scanned.len()).is_ok_and(|count| count == SCAN);
        let (mut checkouts, mut bytes, mut last) = (Vec::new(), 0_usize, None);
        for checkout in scanned {
            if bytes > PAGE {
                return Ok(Witnessed { checkouts, next: last });
            }
            last = Some(checkout.order);
            if documents(&checkout).any(|text| issued_at(text) >= since.unix_seconds()) {
                bytes = documents(&checkout)
                    .fold(bytes.saturating_add(checkout.offer.len()), |sum, text| {
                        sum.saturating_add(text.len())
                    });
                checkouts.push(checkout);
            }
        }
        Ok(Witnessed { checkouts, next: last.filter(|_| full) })
    }
}

/// What the provider has signed of an order.
fn documents(checkout: &Checkout) -> impl Iterator<Item = &String> {
    let Checkout { confirmation, receipt, fulfilment, refunds, .. } = checkout;
    confirmation.iter().chain(receipt).chain(fulfilment).chain(refunds)
}

/// When a document was written, in Unix seconds. It was verified when it came; one that tells no time is told of always.
fn issued_at(document: &str) -> u64 {
    let claims =
        document.split('.').nth(1).and_then(|part| Base64UrlUnpadded::decode_vec(part).ok());
    let claims = claims.and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    claims.and_then(|claims| claims.get("iat")?.as_u64()).unwrap_or(u64::MAX)
}
