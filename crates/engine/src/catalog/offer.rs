//! Offers: put, and retired.

use scrip_domain::audit::Act;
use scrip_domain::catalog::Offer;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::{Limits, Terms};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use super::held::{Held, Loaded, OFFERS, keep};
use super::product::Put;
use super::rules;
use super::{CatalogRefusal, Stop, Tries, Wrong};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

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
        let checked = checked_key(key).and_then(|key| Ok((key, fields.checked()?)));
        let (key, fields) = match checked {
            Ok(checked) => checked,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_put_offer(by, slug, &key, fields).await) {
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
    ) -> Outcome<Put<Offer>, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let held = self.hold(&product).await?;
        let old = self.store.offer_by_key(product.id, key).await?;
        let id = match &old {
            Some(offer) => offer.id,
            None => self.mint()?,
        };
        let put = PutOffer { held, note: self.note(by)?, id, key: key.to_owned(), fields };
        let offer = self.submit(put).await?;
        Ok(offer.map(if old.is_some() { Put::Kept } else { Put::Created }))
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
        let held = self.hold(&product).await?;
        match self.store.offer_by_key(product.id, key).await? {
            Some(offer) if offer.retired_at.is_some() => Ok(Ok(offer)),
            Some(offer) => {
                self.submit(RetireOffer { held, note: self.note(by)?, id: offer.id }).await
            }
            None => Ok(Err(CatalogRefusal::NoSuchOffer.into())),
        }
    }
}

struct PutOffer {
    held: Held,
    note: Note,
    id: Id<Offer>,
    key: String,
    fields: OfferFields,
}

impl Command for PutOffer {
    type Receipt = Offer;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
        wants.offers.read((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Offer, Stop>, Fault> {
        let Loaded { product, mut offers } = match self.held.load(books)? {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
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
        let known = offers.iter().any(|offer| offer.id == self.id);
        if !known && self.held.offers() >= OFFERS {
            return Ok(Decision::refused(CatalogRefusal::TooManyOffers.into()));
        }
        offers.retain(|offer| offer.id != self.id);
        offers.push(offer.clone());
        let mut changes = Changes::default();
        let new = Loaded { product: product.clone(), offers };
        keep(books, &mut changes, Some(&product), new, at)?;
        if !changes.is_empty() {
            let old = books.offers.get(&(self.id,))?;
            let act = if old.is_some() { Act::OfferChanged } else { Act::OfferEntered };
            let what = difference(&old.map_or(Value::Null, entered), &entered(&offer));
            self.note.write(&mut changes, act, self.id, what, at);
        }
        Ok(Decision::done(written(&changes, offer), changes))
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
        let Loaded { product, mut offers } = match self.held.load(books)? {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let Some(offer) = offers.iter_mut().find(|offer| offer.id == self.id) else {
            return Ok(Decision::refused(Stop::Stale));
        };
        offer.retired_at = Some(at);
        let offer = offer.clone();
        let mut changes = Changes::default();
        let new = Loaded { product: product.clone(), offers };
        keep(books, &mut changes, Some(&product), new, at)?;
        self.note.write(&mut changes, Act::OfferRetired, self.id, json!({}), at);
        Ok(Decision::done(written(&changes, offer), changes))
    }
}

/// `offer` as it was written, if it was.
fn written(changes: &Changes, offer: Offer) -> Offer {
    let row = changes.offers.iter().map(scrip_storage::books::Change::row);
    row.into_iter().find(|row| row.id == offer.id).cloned().unwrap_or(offer)
}
