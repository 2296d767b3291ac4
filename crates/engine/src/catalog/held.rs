//! A product in hand: what every command on one looks at and keeps in step. A bundle is offered while everything in it is,
//! so what is current of a product takes the bundles that it is in along, in the same commit.

use std::collections::{BTreeMap, BTreeSet};

use scrip_domain::catalog::{BundleItem, Offer, Product, ProductKind, ProductState};
use scrip_domain::listing::{Labelled, Listing};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Fault, MAX_ROWS, Wants};

use super::{CatalogRefusal, Stop};
use crate::{Engine, Outcome};

/// The most offers that one product has at a time.
pub(super) const OFFERS: usize = 50;
/// The most offers of bundles that have something of one product in them, at a time: what closes with it.
pub(super) const BUNDLES: u32 = 50;
/// What a command may write besides: its own record.
const BESIDES: usize = 10;

/// What is in the offers of a bundle, by offer.
pub(super) type Items = BTreeMap<Id<Offer>, Vec<Id<Offer>>>;

/// The names of a product's rows, as they were looked up.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub product: Id<Product>,
    /// The version that was seen; `None` when there was no product yet.
    version: Option<u64>,
    offers: Vec<Id<Offer>>,
    /// What is in them, if it is a bundle; never changes.
    items: Items,
    /// The bundles that are offered or not with it, for a command that changes what is current of it.
    bundles: Vec<Self>,
}

/// A product as the batch loaded it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub product: Product,
    /// Its offers that are not retired, and those that the command asked for besides.
    pub offers: Vec<Offer>,
    /// What is in its offers, if it is a bundle. What is not known of stays as it is.
    pub items: Items,
    /// The bundles that were asked for with it.
    pub bundles: Vec<Self>,
}

impl Engine {
    /// Looks up what a command on `product` must know.
    pub(super) async fn hold(&self, product: &Product) -> Result<Held, Fault> {
        let offers = self.store.offers_open(&[product.id]).await?;
        let items = match product.kind {
            ProductKind::Bundle => self.store.items_in(&ids(&offers)).await?,
            ProductKind::Download | ProductKind::Service => Vec::new(),
        };
        Ok(Held::of(product, &offers, &items))
    }

    /// The same for a command that changes whether offers of `product` are current: with the bundles that they are in.
    /// What comes into a bundle counts the product's version up, so none is overlooked.
    pub(super) async fn hold_all(&self, product: &Product) -> Outcome<Held, Stop> {
        let held = self.hold(product).await?;
        let with = self.store.bundles_with(product.id, BUNDLES.saturating_add(1)).await?;
        if u32::try_from(with.len()).map_or(true, |with| with > BUNDLES) {
            return Ok(Err(CatalogRefusal::TooManyBundles.into()));
        }
        let mut named: Vec<_> = with.iter().map(|offer| offer.product).collect();
        named.sort_unstable();
        named.dedup();
        // First the versions, so that what changes between these reads is seen to have changed.
        let bundles = self.store.products_called(&named).await?;
        let offers = self.store.offers_open(&named).await?;
        let items = self.store.items_in(&ids(&with)).await?;
        let bundles = bundles.iter().map(|bundle| Held::of(bundle, &offers, &items)).collect();
        Ok(Ok(Held { bundles, ..held }))
    }
}

fn ids(offers: &[Offer]) -> Vec<Id<Offer>> {
    offers.iter().map(|offer| offer.id).collect()
}

impl Held {
    /// A product that is not there yet.
    pub fn new(product: Id<Product>) -> Self {
        let (offers, items, bundles) = (Vec::new(), Items::new(), Vec::new());
        Self { product, version: None, offers, items, bundles }
    }

    /// A product that there is, with what is its own of these offers and items.
    fn of(product: &Product, offers: &[Offer], items: &[BundleItem]) -> Self {
        let own = offers.iter().filter(|offer| offer.product == product.id);
        let mut held = Self { version: Some(product.version), ..Self::new(product.id) };
        held.offers = own.map(|offer| offer.id).collect();
        held.offers.sort_unstable();
        for item in items.iter().filter(|item| held.offers.contains(&item.bundle)) {
            held.items.entry(item.bundle).or_default().push(item.item);
        }
        held
    }

    /// How many offers there are.
    pub fn offers(&self) -> usize {
        self.offers.len()
    }

    pub fn want(&self, wants: &mut Wants) {
        wants.products.guard((self.product,));
        wants.listings.read((self.product,));
        wants.labelled.read((self.product,));
        let items: BTreeSet<_> = self.items.values().flatten().chain(&self.offers).collect();
        items.into_iter().for_each(|offer| wants.offers.read((*offer,)));
        self.bundles.iter().for_each(|bundle| bundle.want(wants));
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
        let mut bundles = Vec::with_capacity(self.bundles.len());
        for bundle in &self.bundles {
            match bundle.load(books)? {
                Ok(loaded) => bundles.extend(loaded),
                Err(stop) => return Ok(Err(stop)),
            }
        }
        let (product, items) = (product.clone(), self.items.clone());
        Ok(Ok(Some(Loaded { product, offers, items, bundles })))
    }
}

impl Loaded {
    /// A product that comes with a command.
    pub fn new(product: Product) -> Self {
        Self { product, offers: Vec::new(), items: Items::new(), bundles: Vec::new() }
    }
}

/// Whether a command that has bundles close or open with it writes no more rows than it may.
pub(super) fn fits(changes: &Changes) -> bool {
    changes.len().saturating_add(BESIDES) <= MAX_ROWS
}

/// Writes a product and its offers with all that follows from them: which offers are current, the
/// lowest prices, the list; and the same of the bundles that they are in. `old` is what was loaded.
/// Without a difference nothing is written, unless something else of the product was.
pub(super) fn keep(
    books: &Books,
    changes: &mut Changes,
    old: Option<&Product>,
    mut new: Loaded,
    at: Timestamp,
) -> Result<Product, Fault> {
    let bundles = std::mem::take(&mut new.bundles);
    let touched = !changes.is_empty();
    let product = keep_one(books, changes, (old, touched), new, at)?;
    for bundle in bundles {
        let old = bundle.product.clone();
        keep_one(books, changes, (Some(&old), false), bundle, at)?;
    }
    Ok(product)
}

/// The same of one product, which was touched already, or not.
fn keep_one(
    books: &Books,
    changes: &mut Changes,
    (old, touched): (Option<&Product>, bool),
    new: Loaded,
    at: Timestamp,
) -> Result<Product, Fault> {
    let Loaded { mut product, offers, items, .. } = new;
    let before = changes.offers.len();
    let mut current = Vec::with_capacity(offers.len());
    for mut offer in offers {
        let sold = offer.retired_at.is_none() && product.state == ProductState::Published;
        offer.current = sold && has_all(books, changes, &product, &offer, &items)?;
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
        if *old == product && !touched && changes.offers.len() == before {
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

/// Whether all that is in a bundle's offer is current, as it will be after `changes`. Other offers have nothing in them.
fn has_all(
    books: &Books,
    changes: &Changes,
    product: &Product,
    offer: &Offer,
    items: &Items,
) -> Result<bool, Fault> {
    if product.kind != ProductKind::Bundle {
        return Ok(true);
    }
    let Some(items) = items.get(&offer.id) else { return Ok(offer.current) };
    for item in items {
        let changed = changes.offers.iter().map(Change::row).find(|row| row.id == *item);
        let item = match changed {
            Some(item) => Some(item),
            None => books.offers.get(&(*item,))?,
        };
        if !item.is_some_and(|item| item.current) {
            return Ok(false);
        }
    }
    Ok(true)
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
