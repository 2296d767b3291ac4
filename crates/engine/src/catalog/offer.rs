//! Offers: put, and retired. What is in a bundle's offer never changes: who looked it up once knows it for good.

use scrip_domain::audit::Act;
use scrip_domain::bundle::MOST_ITEMS;
use scrip_domain::catalog::{BundleItem, Offer, Product, ProductKind};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::{Limits, Terms};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use super::held::{BUNDLES, Held, OFFERS, fits, keep};
use super::product::Put;
use super::rules;
use super::{CatalogRefusal, Stop, Tries, Wrong};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

/// A product, and the version of it that was looked up.
type Seen = (Id<Product>, u64);

/// What staff says of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferFields {
    /// What one unit costs; nothing is allowed.
    pub price: Amount,
    /// What the buyer may do, and how long.
    pub terms: Terms,
    /// How many machines and downloads.
    pub limits: Limits,
}

impl OfferFields {
    /// The fields as they are kept, or what is out of its bounds first.
    pub fn checked(self) -> Result<Self, Wrong> {
        let (terms, limits) = (rules::terms(self.terms)?, rules::limits(self.limits)?);
        Ok(Self { price: self.price, terms, limits })
    }
}

/// An offer's key, or what is out of its bounds.
pub fn checked_key(key: &str) -> Result<String, Wrong> {
    rules::slug(key, "key", 40)
}

impl Engine {
    /// Makes a product's offer of this key be like this: enters it, changes it, or offers it again.
    /// Orders and licenses keep the price, terms and limits that they were made with.
    pub async fn put_offer(
        &self,
        by: Staff,
        slug: &str,
        key: &str,
        fields: OfferFields,
    ) -> Outcome<Put<Offer>, CatalogRefusal> {
        self.put_bundle(by, slug, key, fields, &[]).await
    }

    /// The same for an offer of a bundle, and what is in it: other offers, each as `product-slug/offer-key`.
    pub async fn put_bundle(
        &self,
        by: Staff,
        slug: &str,
        key: &str,
        fields: OfferFields,
        items: &[String],
    ) -> Outcome<Put<Offer>, CatalogRefusal> {
        let checked = checked_key(key).and_then(|key| Ok((key, fields.checked()?)));
        let (key, fields) = match checked {
            Ok(checked) => checked,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let mut tries = Tries::default();
        loop {
            if let Some(answer) =
                tries.settle(self.try_put_offer(by, slug, &key, fields, items).await)
            {
                return answer;
            }
        }
    }

    async fn try_put_offer(
        &self,
        by: Staff,
        slug: &str,
        key: &str,
        fields: OfferFields,
        items: &[String],
    ) -> Outcome<Put<Offer>, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let old = self.store.offer_by_key(product.id, key).await?;
        let comes = old.as_ref().is_none_or(|old| old.retired_at.is_some());
        let items = match self.items(&product, old.as_ref(), fields, items).await? {
            Ok(items) => items,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong).into())),
        };
        let held = if old.is_some() && comes {
            self.hold_all(&product).await?
        } else {
            Ok(self.hold(&product).await?)
        };
        let held = match held {
            Ok(held) => held,
            Err(stop) => return Ok(Err(stop)),
        };
        let (items, of): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let of = if comes { of } else { Vec::new() };
        if let Err(wrong) = self.has_room(&of).await? {
            return Ok(Err(CatalogRefusal::Wrong(wrong).into()));
        }
        let id = match &old {
            Some(offer) => offer.id,
            None => self.mint()?,
        };
        let (note, key) = (self.note(by)?, key.to_owned());
        let put = PutOffer { held, note, id, key, fields, items, of };
        let offer = self.submit(put).await?;
        Ok(offer.map(if old.is_some() { Put::Kept } else { Put::Created }))
    }

    /// Whether these products, of a new bundle's items in their order, can each be in one more.
    async fn has_room(&self, of: &[Seen]) -> Outcome<(), Wrong> {
        for (index, (product, _)) in of.iter().enumerate() {
            let with = self.store.bundles_with(*product, BUNDLES).await?;
            if u32::try_from(with.len()).map_or(true, |with| with >= BUNDLES) {
                let must =
                    format!("of a product that is in fewer than {BUNDLES} offers of bundles");
                return Ok(Err(rules::wrong(format!("items[{index}]"), must)));
            }
        }
        Ok(Ok(()))
    }

    /// What is in a bundle's offer, looked up, each with its product; of another product's nothing.
    async fn items(
        &self,
        product: &Product,
        old: Option<&Offer>,
        fields: OfferFields,
        names: &[String],
    ) -> Outcome<Vec<(Id<Offer>, Seen)>, Wrong> {
        if product.kind != ProductKind::Bundle {
            let none = names.is_empty();
            let wrong = || rules::wrong("items", "absent: only a bundle has items");
            return Ok(if none { Ok(Vec::new()) } else { Err(wrong()) });
        }
        if !(1..=MOST_ITEMS).contains(&names.len()) {
            let must = format!("1 to {MOST_ITEMS} offers, each as product-slug/offer-key");
            return Ok(Err(rules::wrong("items", must)));
        }
        if fields.terms != Terms::Perpetual {
            return Ok(Err(rules::wrong("terms", "perpetual: what is in a bundle has its own")));
        }
        if fields.limits != Limits::default() {
            return Ok(Err(rules::wrong("limits", "absent: what is in a bundle has its own")));
        }
        let mut items = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let wrong = |must: &str| Ok(Err(rules::wrong(format!("items[{index}]"), must)));
            let Some((of, offer)) = self.offer_named(name).await? else {
                return wrong("an offer that there is, as product-slug/offer-key");
            };
            if of.kind == ProductKind::Bundle {
                return wrong("no offer of a bundle");
            }
            if offer.retired_at.is_some() && old.is_none() {
                return wrong("an offer that is not withdrawn");
            }
            if items.iter().any(|(item, _)| *item == offer.id) {
                return wrong("another offer than those before");
            }
            items.push((offer.id, (of.id, of.version)));
        }
        let Some(old) = old else { return Ok(Ok(items)) };
        let before = self.store.bundle_items(old.id).await?;
        if before.iter().map(|item| item.item).eq(items.iter().map(|(item, _)| *item)) {
            return Ok(Ok(items));
        }
        let must = "as they were: enter another selection under another key";
        Ok(Err(rules::wrong("items", must)))
    }

    /// The offer that is called `product-slug/offer-key`, with its product.
    async fn offer_named(&self, name: &str) -> Result<Option<(Product, Offer)>, Fault> {
        let Some((slug, key)) = name.split_once('/') else { return Ok(None) };
        let Some(product) = self.store.product_by_slug(slug).await? else { return Ok(None) };
        let offer = self.store.offer_by_key(product.id, key).await?;
        Ok(offer.map(|offer| (product, offer)))
    }

    /// What is in a bundle's offer, each as `product-slug/offer-key`.
    pub async fn item_names(&self, offer: Id<Offer>) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for item in self.store.bundle_items(offer).await? {
            let lost = || Fault::Bug("an offer in a bundle is gone".into());
            let offer = self.store.offer(item.item).await?.ok_or_else(lost)?;
            let product = self.store.product(offer.product).await?.ok_or_else(lost)?;
            names.push(format!("{}/{}", product.slug, offer.key));
        }
        Ok(names)
    }

    /// Withdraws an offer. Doing it again changes nothing.
    pub async fn retire_offer(
        &self,
        by: Staff,
        slug: &str,
        key: &str,
    ) -> Outcome<Offer, CatalogRefusal> {
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_retire_offer(by, slug, key).await) {
                return answer;
            }
        }
    }

    async fn try_retire_offer(&self, by: Staff, slug: &str, key: &str) -> Outcome<Offer, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let id = match self.store.offer_by_key(product.id, key).await? {
            Some(offer) if offer.retired_at.is_some() => return Ok(Ok(offer)),
            Some(offer) => offer.id,
            None => return Ok(Err(CatalogRefusal::NoSuchOffer.into())),
        };
        match self.hold_all(&product).await? {
            Ok(held) => self.submit(RetireOffer { held, note: self.note(by)?, id }).await,
            Err(stop) => Ok(Err(stop)),
        }
    }
}

struct PutOffer {
    held: Held,
    note: Note,
    id: Id<Offer>,
    key: String,
    fields: OfferFields,
    /// What is in it, if it is a bundle's.
    items: Vec<Id<Offer>>,
    /// Whose that is, if it comes into the bundle with this command.
    of: Vec<Seen>,
}

impl Command for PutOffer {
    type Receipt = Offer;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
        wants.offers.read((self.id,));
        self.items.iter().for_each(|item| wants.offers.read((*item,)));
        self.of.iter().for_each(|(product, _)| wants.products.guard((*product,)));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Offer, Stop>, Fault> {
        let mut new = match self.held.load(books)? {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let Some(mut changes) = self.enter(books)? else {
            return Ok(Decision::refused(Stop::Stale));
        };
        let product = new.product.clone();
        let OfferFields { price, terms, limits } = self.fields;
        let offer = match books.offers.get(&(self.id,))? {
            Some(old) => Offer { price, terms, limits, retired_at: None, ..old.clone() },
            None => Offer {
                id: self.id,
                product: product.id,
                key: self.key.clone(),
                price,
                terms,
                limits,
                current: false,
                retired_at: None,
                created_at: at,
            },
        };
        let known = new.offers.iter().any(|offer| offer.id == self.id);
        if !known && self.held.offers() >= OFFERS {
            return Ok(Decision::refused(CatalogRefusal::TooManyOffers.into()));
        }
        new.offers.retain(|offer| offer.id != self.id);
        new.offers.push(offer.clone());
        new.items.insert(self.id, self.items.clone());
        keep(books, &mut changes, Some(&product), new, at)?;
        if !fits(&changes) {
            return Ok(Decision::refused(CatalogRefusal::TooManyBundles.into()));
        }
        if !changes.is_empty() {
            let old = books.offers.get(&(self.id,))?;
            if old.is_none() {
                let (bundle, places) = (self.id, 0_u32..);
                let row =
                    |(place, item): (u32, &Id<Offer>)| BundleItem { bundle, place, item: *item };
                changes.bundle_items.extend(places.zip(&self.items).map(row).map(Change::Insert));
            }
            let act = if old.is_some() { Act::OfferChanged } else { Act::OfferEntered };
            let what = difference(&old.map_or(Value::Null, entered), &entered(&offer));
            self.note.write(&mut changes, act, self.id, what, at);
        }
        Ok(Decision::done(written(&changes, offer), changes))
    }
}

impl PutOffer {
    /// Counts up the versions of the products whose offers come into a bundle: a command that takes along the bundles that
    /// they are in, and has not seen this one, is stale. `None` if one of them is no longer what was looked up.
    fn enter(&self, books: &Books) -> Result<Option<Changes>, Fault> {
        let mut changes = Changes::default();
        for (product, seen) in &self.of {
            let product = books.products.get(&(*product,))?;
            let Some(product) = product.filter(|product| product.version == *seen) else {
                return Ok(None);
            };
            let version = product.version.saturating_add(1);
            if changes.products.iter().all(|change| change.row().id != product.id) {
                changes.products.push(Change::Update(Product { version, ..product.clone() }));
            }
        }
        Ok(Some(changes))
    }
}

/// What staff enters of an offer, for the record.
fn entered(offer: &Offer) -> Value {
    json!({
        "product": offer.product,
        "key": offer.key,
        "price": offer.price,
        "terms": offer.terms,
        "limits": offer.limits,
        "retired_at": offer.retired_at,
    })
}

struct RetireOffer {
    held: Held,
    note: Note,
    id: Id<Offer>,
}

impl Command for RetireOffer {
    type Receipt = Offer;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Offer, Stop>, Fault> {
        let mut new = match self.held.load(books)? {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let product = new.product.clone();
        let Some(offer) = new.offers.iter_mut().find(|offer| offer.id == self.id) else {
            return Ok(Decision::refused(Stop::Stale));
        };
        offer.retired_at = Some(at);
        let offer = offer.clone();
        let mut changes = Changes::default();
        keep(books, &mut changes, Some(&product), new, at)?;
        if !fits(&changes) {
            return Ok(Decision::refused(CatalogRefusal::TooManyBundles.into()));
        }
        self.note.write(&mut changes, Act::OfferRetired, self.id, json!({}), at);
        Ok(Decision::done(written(&changes, offer), changes))
    }
}

/// `offer` as it was written, if it was.
fn written(changes: &Changes, offer: Offer) -> Offer {
    let row = changes.offers.iter().map(Change::row);
    row.into_iter().find(|row| row.id == offer.id).cloned().unwrap_or(offer)
}
