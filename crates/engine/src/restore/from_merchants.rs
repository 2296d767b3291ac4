//! A provider that was restored asks each merchant for what it has signed since.
//!
//! ```text
//! bundle ─▶ signed by this server, for this merchant, each document on the one before? ─▶ whose? ─▶ rebook.rs ─▶ booked
//!   │         └─ no: not believed, logged                                              └─ nobody's ─┴─▶ listed
//!   └─ by a key that is not in the backup: nobody can tell, listed
//! ```
//! A merchant can show nothing but what this server has signed: its own word, found again. What a merchant keeps
//! to itself (that tokens went back) is not found this way, and stands in docs/backup.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::future::BoxFuture;
use scrip_domain::account::Account;
use scrip_domain::connection::SubjectName;
use scrip_domain::document::{
    self, Confirmation, Decided, Document, Fulfilment, Offer, Receipt, Refunding,
};
use scrip_domain::merchant::Merchant;
use scrip_domain::purchase_request::{PurchaseRequest, RequestRefund};
use scrip_domain::restore::{Epoch, Lack, Reunion};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::jws;
use scrip_storage::Fault;

use super::{Heard, Lacking};
use crate::Engine;
use crate::purchase_request::rebook::Booked;
use crate::purchase_request::subject_from;

/// So many that nobody can tell are listed of one merchant, who could invent more.
pub(super) const MOST_UNPROVEN: u32 = 1000;

/// What merchants have of the provider's documents: a port.
pub trait Archive: Send + Sync + fmt::Debug {
    /// A page of the documents that the server at `merchant` has from `since` on, after `after`, which is empty at the
    /// beginning. Without an answer, a sentence says why.
    fn documents<'a>(
        &'a self,
        merchant: &'a str,
        since: Timestamp,
        after: &'a str,
    ) -> BoxFuture<'a, Result<Bundles, String>>;
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundles {
    /// Those of one purchase each.
    pub bundles: Vec<Bundle>,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
}

/// The documents of one purchase, as a merchant has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The merchant's offer.
    pub offer: String,
    /// What the buyer decided.
    pub confirmation: Option<String>,
    /// That it was captured.
    pub receipt: Option<String>,
    /// The last word.
    pub fulfilment: Option<String>,
    /// What went back, oldest first.
    pub refunds: Vec<String>,
}

/// A document as it came, and what it says.
pub(crate) type Said<T> = (String, T);

/// The documents of one purchase that the buyer wanted, as far as they are this server's own word.
#[derive(Clone, Debug)]
pub(crate) struct Papers {
    pub request: Id<PurchaseRequest>,
    pub order: String,
    pub offer: Said<Offer>,
    pub confirmation: Said<Confirmation>,
    pub receipt: Option<Said<Receipt>>,
    pub fulfilment: Option<Said<Fulfilment>>,
    pub refunds: Vec<(Id<RequestRefund>, Said<Refunding>)>,
}

impl Papers {
    /// The merchant's name of the buyer.
    fn subject(&self) -> Option<SubjectName> {
        self.confirmation.1.subject.as_deref().and_then(subject_from)
    }

    /// What this server kept of it.
    fn fee(&self) -> Amount {
        self.receipt.as_ref().map_or(Amount::ZERO, |(_, receipt)| receipt.fee)
    }

    /// What the merchant has of it: captured, and not gone back.
    pub fn at_stake(&self) -> Amount {
        let taken = self.receipt.as_ref().map_or(Amount::ZERO, |(_, receipt)| receipt.amount);
        let back = self.refunds.last().map_or(Amount::ZERO, |(_, (_, last))| last.refunded);
        taken.checked_sub(back).unwrap_or(Amount::ZERO)
    }
}

impl Engine {
    /// With a way to ask merchants for what this server has signed.
    #[must_use]
    pub fn with_archive(mut self, archive: std::sync::Arc<dyn Archive>) -> Self {
        self.archive = Some(archive);
        self
    }

    /// A page of what a merchant has.
    pub(super) async fn hear_merchant(
        &self,
        reunion: &Reunion,
        epoch: &Epoch,
    ) -> Result<Result<Heard, String>, Fault> {
        let Some(archive) = &self.archive else {
            return Ok(Err("this server is no provider any more".to_owned()));
        };
        let Some(merchant) = self.store.merchant_by_url(&reunion.peer).await? else {
            return Ok(Err("there is no such merchant".to_owned()));
        };
        let page = archive.documents(&reunion.peer, epoch.since, &reunion.place).await;
        let page = match page {
            Ok(page) => page,
            Err(why) => return Ok(Err(why)),
        };
        if page.next.as_deref() == Some(reunion.place.as_str()) {
            return Ok(Err("the merchant goes round in a circle".to_owned()));
        }
        let shown = page.bundles.into_iter().map(|bundle| self.papers(&merchant, bundle));
        let shown: Vec<_> = shown.collect();
        let buyers = self.buyers(&merchant, shown.iter().flatten().flatten()).await?;
        for papers in shown {
            match papers {
                Ok(Some(papers)) => {
                    let buyer = papers.subject().and_then(|subject| buyers.get(&subject));
                    self.put_back(reunion, &merchant, buyer.copied(), papers).await?;
                }
                Ok(None) => {}
                Err(Unproven::Key(lacking)) if reunion.listed < MOST_UNPROVEN => {
                    self.list(reunion, lacking).await?;
                }
                Err(Unproven::Key(_)) => {
                    tracing::warn!(security = true, merchant = %merchant.id, "too much is shown by keys that are unknown");
                }
                Err(Unproven::Other(why)) => {
                    tracing::warn!(security = true, merchant = %merchant.id, why, "a document is not this server's word");
                }
            }
        }
        Ok(Ok(Heard { next: page.next }))
    }

    /// Books one purchase of `buyer`'s, or lists it.
    async fn put_back(
        &self,
        reunion: &Reunion,
        merchant: &Merchant,
        buyer: Option<Id<Account>>,
        papers: Papers,
    ) -> Result<(), Fault> {
        let (request, order) = (papers.request, papers.order.clone());
        // No id is minted a second time that the forgotten self had given to somebody.
        self.stay_above(request).await?;
        let lacking = |lack, amount, detail| Lacking::of(request, &order, lack, amount, detail);
        let at_stake = papers.at_stake();
        let Some(account) = buyer else {
            if at_stake.is_zero() {
                return Ok(());
            }
            let detail = "its buyer's account was opened after the backup".to_owned();
            return self.list(reunion, lacking(Lack::Buyer, at_stake, detail)).await;
        };
        match self.rebook(reunion, merchant, account, &papers).await? {
            Booked::Short { balance } => {
                // What went back whole has left nothing but the fee.
                let amount = if at_stake.is_zero() { papers.fee() } else { at_stake };
                if amount.is_zero() {
                    return Ok(());
                }
                let detail = format!(
                    "the buyer {account} paid this after the backup, and the wallet holds {} of it",
                    balance.units()
                );
                self.list(reunion, lacking(Lack::Funds, amount, detail)).await
            }
            Booked::Done => Ok(()),
            Booked::Conflict(why) => {
                self.list(reunion, lacking(Lack::Conflict, at_stake, why.to_owned())).await
            }
        }
    }

    /// The accounts behind the names that the merchant has for the buyers of these purchases.
    async fn buyers(
        &self,
        merchant: &Merchant,
        all: impl Iterator<Item = &Papers>,
    ) -> Result<BTreeMap<SubjectName, Id<Account>>, Fault> {
        let (mut buyers, mut unknown) = (BTreeMap::new(), BTreeSet::new());
        for subject in all.filter_map(Papers::subject).collect::<BTreeSet<_>>() {
            match self.store.merchant_subject(merchant.id, subject).await? {
                Some(known) => drop(buyers.insert(subject, known.account)),
                // The first purchase at this merchant.
                None => drop(unknown.insert(subject)),
            }
        }
        let name_of = |account| self.subject_of(account, merchant.id);
        buyers.extend(self.reckoned(unknown, name_of).await?);
        Ok(buyers)
    }

    /// The documents of a bundle, each verified; none of what came to nothing before anything was held.
    fn papers(&self, merchant: &Merchant, bundle: Bundle) -> Result<Option<Papers>, Unproven> {
        if let Some(lacking) = self.by_a_lost_key(&bundle) {
            return Err(Unproven::Key(lacking));
        }
        self.proven(merchant, bundle).map_err(Unproven::Other)
    }

    /// What a bundle says for itself that a key has signed which is not among this server's.
    fn by_a_lost_key(&self, bundle: &Bundle) -> Option<Lacking> {
        let lost = |text: &&String| self.is_of_a_lost_key(text);
        let Bundle { confirmation, receipt, fulfilment, refunds, .. } = bundle;
        let all = confirmation.iter().chain(receipt).chain(fulfilment).chain(refunds);
        all.clone().find(lost)?;
        let said: Receipt = claims(receipt.as_ref()?)?;
        let request: Id<PurchaseRequest> = said.request.parse().ok()?;
        let detail = "the merchant shows documents by a key that is not in the backup: compare them with what you know";
        let order: String = said.order.chars().take(100).collect();
        Some(Lacking::of(request, &order, Lack::Key, said.amount, detail))
    }

    /// Whether a document says that a key has signed it which is not among this server's: nobody can tell whether it did.
    pub(super) fn is_of_a_lost_key(&self, text: &str) -> bool {
        kid_of(text).is_some_and(|kid| self.keys().protocol_key(&kid).is_none())
    }

    fn proven(&self, merchant: &Merchant, bundle: Bundle) -> Result<Option<Papers>, &'static str> {
        let Bundle { offer, confirmation, receipt, fulfilment, refunds } = bundle;
        let Some(confirmation) = confirmation else { return Ok(None) };
        let confirmation: Said<Confirmation> = self.own_word(&merchant.url, confirmation)?;
        if confirmation.1.offer != jws::digest(&offer) {
            return Err("a confirmation of another offer");
        }
        if confirmation.1.decision != Decided::Approved {
            return Ok(None);
        }
        let claims = claims(&offer).ok_or("an offer that cannot be read")?;
        let request = confirmation.1.request.parse().map_err(|_| "a request without a name")?;
        let order = confirmation.1.order.clone();
        let named = |of: &str, with: &str| of == confirmation.1.request && with == order;
        let receipt: Option<Said<Receipt>> = match receipt {
            Some(text) => Some(self.own_word(&merchant.url, text)?),
            None => None,
        };
        if let Some((_, read)) = &receipt
            && (read.confirmation != jws::digest(&confirmation.0)
                || !named(&read.request, &read.order)
                || read.amount != confirmation.1.amount)
        {
            return Err("a receipt for another confirmation");
        }
        let before = receipt.as_ref().map(|(text, _)| jws::digest(text));
        let fulfilment: Option<Said<Fulfilment>> = match fulfilment {
            Some(text) => Some(self.own_word(&merchant.url, text)?),
            None => None,
        };
        if let Some((_, read)) = &fulfilment
            && (Some(&read.receipt) != before.as_ref() || !named(&read.request, &read.order))
        {
            return Err("a last word on another receipt");
        }
        let mut all = Vec::with_capacity(refunds.len());
        for text in refunds {
            let said: Said<Refunding> = self.own_word(&merchant.url, text)?;
            if Some(&said.1.receipt) != before.as_ref() || !named(&said.1.request, &said.1.order) {
                return Err("a refund of another receipt");
            }
            let id = said.1.refund.parse().map_err(|_| "a refund without a name")?;
            all.push((id, said));
        }
        let offer = (offer, claims);
        Ok(Some(Papers { request, order, offer, confirmation, receipt, fulfilment, refunds: all }))
    }

    /// What a document of this server's own says, if it signed it for this peer, with a key of today or of before.
    pub(super) fn own_word<T: Document>(
        &self,
        peer: &str,
        text: String,
    ) -> Result<Said<T>, &'static str> {
        let keys = self.keys();
        let read: T =
            jws::verify_within(document::MAX_LENGTH, &text, T::TYP, keys.public_protocol())
                .map_err(|_| "not signed by this server")?;
        if read.issuer() != self.public_url() || read.audience() != peer {
            return Err("a document for or from somebody else");
        }
        Ok((text, read))
    }
}

/// Why a bundle is not believed.
#[derive(Debug)]
enum Unproven {
    /// Nobody can tell.
    Key(Lacking),
    Other(&'static str),
}

/// The name of the key that a document says it was signed with.
fn kid_of(document: &str) -> Option<String> {
    let header = document.split('.').next().filter(|header| header.len() <= 400)?;
    let header = Base64UrlUnpadded::decode_vec(header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}

/// What a document says for itself. Of an offer that is enough: the confirmation names its digest, and was signed when the
/// offer had been verified.
pub(super) fn claims<T: Document>(document: &str) -> Option<T> {
    let claims = Base64UrlUnpadded::decode_vec(document.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}
