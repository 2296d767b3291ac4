//! A product in hand: what every command on one looks at and keeps in step.

use scrip_domain::catalog::{Offer, Product, ProductState};
use scrip_domain::listing::{Labelled, Listing};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, Wants};

use super::Stop;
use crate::Engine;

/// The most offers that one product has at a time.
pub(super) const OFFERS: usize = 50;

/// The names of a product's rows, as they were looked up.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub product: Id<Product>,
    /// The version that was seen; `None` when there was no product yet.
    version: Option<u64>,
    offers: Vec<Id<Offer>>,
}

/// A product as the batch loaded it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub product: Product,
    /// Its offers that are not retired, and those that the command asked for besides.
    pub offers: Vec<Offer>,
}

impl Engine {
    /// Looks up what a command on `product` must know.
    pub(super) async fn hold(&self, product: &Product) -> Result<Held, Fault> {
        let offers = self.store.offers_of(product.id).await?;
        let offers = offers.iter().filter(|offer| offer.retired_at.is_none());
        Ok(Held {
            product: product.id,
            version: Some(product.version),
            offers: offers.map(|offer| offer.id).collect(),
        })
    }
}

impl Held {
    /// A product that is not there yet.
    pub fn new(product: Id<Product>) -> Self {
        Self { product, version: None, offers: Vec::new() }
    }

    /// How many offers there are.
    pub fn offers(&self) -> usize {
        self.offers.len()
    }

    pub fn want(&self, wants: &mut Wants) {
        wants.products.guard((self.product,));
        wants.listings.read((self.product,));
        wants.labelled.read((self.product,));
        self.offers.iter().for_each(|offer| wants.offers.read((*offer,)));
    }

    /// The product and its offers, if they are what was looked up; `None` when there is none yet.
    pub fn load(&self, books: &Books) -> Result<Result<Option<Loaded>, Stop>, Fault> {
        let product = books.products.get(&(self.product,))?;
        if product.map(|product| product.version) != self.version {
            return Ok(Err(Stop::Stale));
        }
        let Some(product) = product else { return Ok(Ok(None)) };
        let mut offers = Vec::with_capacity(self.offers.len());
        for id in &self.offers {
            let lost = || Fault::Bug("an offer is gone under its guard".into());
            offers.push(books.offers.get(&(*id,))?.ok_or_else(lost)?.clone());
        }
        Ok(Ok(Some(Loaded { product: product.clone(), offers })))
    }
}

/// Writes a product and its offers with all that follows from them: which offers are current, the
/// lowest prices, the list. `old` is what was loaded. Without a difference nothing is written,
/// unless something else of the product was.
pub(super) fn keep(
    books: &Books,
    changes: &mut Changes,
    old: Option<&Product>,
    new: Loaded,
    at: Timestamp,
) -> Result<Product, Fault> {
    let Loaded { mut product, offers } = new;
    let mut current = Vec::with_capacity(offers.len());
    for mut offer in offers {
        offer.current = offer.retired_at.is_none() && product.state == ProductState::Published;
        if offer.current {
            current.push(offer.price);
        }
        match books.offers.get(&(offer.id,))? {
            Some(before) if *before == offer => {}
            Some(_) => changes.offers.push(Change::Update(offer)),
            None => changes.offers.push(Change::Insert(offer)),
        }
    }
    product.price_from = current.iter().copied().min();
    product.cheapest = current.into_iter().filter(|price| *price > Amount::ZERO).min();
    if let Some(old) = old {
        if *old == product && changes.is_empty() {
            return Ok(product);
        }
        product.version = old.version.saturating_add(1);
        product.updated_at = at;
        changes.products.push(Change::Update(product.clone()));
    } else {
        changes.products.push(Change::Insert(product.clone()));
    }
    list(books, changes, &product)?;
    Ok(product)
}

/// Keeps the list in step with `product`.
fn list(books: &Books, changes: &mut Changes, product: &Product) -> Result<(), Fault> {
    match (books.listings.get(&(product.id,))?, Listing::of(product)) {
        (Some(old), Some(new)) if *old == new => {}
        (Some(_), Some(new)) => changes.listings.push(Change::Update(new)),
        (None, Some(new)) => changes.listings.push(Change::Insert(new)),
        (Some(old), None) => changes.listings.push(Change::Delete(old.clone())),
        (None, None) => {}
    }
    let old = books.labelled.all(&(product.id,))?;
    let new = Labelled::of(product);
    let same = |a: &Labelled, b: &Labelled| (a.kind, &a.label) == (b.kind, &b.label);
    for gone in old.iter().filter(|old| !new.iter().any(|new| same(old, new))) {
        changes.labelled.push(Change::Delete(gone.clone()));
    }
    for new in new {
        match old.iter().find(|old| same(old, &new)) {
            Some(old) if *old == new => {}
            Some(_) => changes.labelled.push(Change::Update(new)),
            None => changes.labelled.push(Change::Insert(new)),
        }
    }
    Ok(())
}
