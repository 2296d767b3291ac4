//! The evidence of an order: every row on the way from the offer to the code.
//!
//! A vendor that is merchant and provider in one signs no documents: there the linked rows are the
//! evidence. They are read one after the other, and nothing here changes any.

use scrip_domain::catalog::{File, Release};
use scrip_domain::checkout::Checkout;
use scrip_domain::event::Event;
use scrip_domain::ledger::Transfer;
use scrip_domain::license::License;
use scrip_domain::lot::Lot;
use scrip_domain::order::Order;
use scrip_license::Digest;
use scrip_storage::Fault;
use sha2::Digest as _;

pub use scrip_storage::index::{Download, Entry, Receipt};

use crate::Engine;
use crate::purchase::Paid;
use crate::refund::Refunded;

/// What is on record of an order.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The order with its lines as sold, what paid them, and its licenses.
    pub order: Paid,
    /// The SHA-256 of each license's code (its JWS), as it is issued now.
    pub codes: Vec<Digest>,
    /// The releases that were sold, with their files.
    pub releases: Vec<(Release, Vec<File>)>,
    /// The idempotency keys that name the order.
    pub requests: Vec<Entry>,
    /// The transfers that moved its tokens.
    pub transfers: Vec<Transfer>,
    /// The lots that paid.
    pub lots: Vec<Lot>,
    /// What was given back of it.
    pub refunds: Vec<Refunded>,
    /// What was downloaded with its licenses.
    pub downloads: Vec<Download>,
    /// What happened to it.
    pub events: Vec<Event>,
    /// How it was paid at a provider, with the signed documents, at a merchant.
    pub checkout: Option<Checkout>,
    /// Its receipt, once one was asked for.
    pub receipt: Option<Receipt>,
}

impl Engine {
    /// Everything that is on record of `order`.
    pub async fn evidence(&self, order: &Order) -> Result<Evidence, Fault> {
        let (id, store) = (order.id, &self.store);
        let lost = || Fault::Bug("an order or its account is gone".into());
        let order = self.paid(id).await?.ok_or_else(lost)?;
        let account = order.order.account;
        Ok(Evidence {
            codes: self.code_digests(&order.licenses).await?,
            releases: self.sold_releases(&order).await?,
            requests: match account {
                Some(account) => store.requests_of_order(account, id).await?,
                None => Vec::new(),
            },
            transfers: match account {
                Some(account) => store.transfers_of_order(account, id).await?,
                None => Vec::new(),
            },
            checkout: store.checkout(id).await?,
            lots: store.lots_of_order(id).await?,
            refunds: self.refunds_of(id).await?,
            downloads: store.downloads_of_order(id).await?,
            events: store.events_of_order(id).await?,
            receipt: store.receipt(id).await?,
            order,
        })
    }

    async fn code_digests(&self, licenses: &[License]) -> Result<Vec<Digest>, Fault> {
        let mut digests = Vec::with_capacity(licenses.len());
        for license in licenses {
            let code = self.code(license).await?;
            digests.push(Digest(sha2::Sha256::digest(code.jws.as_bytes()).into()));
        }
        Ok(digests)
    }

    async fn sold_releases(&self, order: &Paid) -> Result<Vec<(Release, Vec<File>)>, Fault> {
        let mut ids: Vec<_> = order.lines.iter().filter_map(|line| line.release).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut releases = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(release) = self.store.release(id).await? {
                releases.push((release, self.store.files_of(id).await?));
            }
        }
        Ok(releases)
    }
}
