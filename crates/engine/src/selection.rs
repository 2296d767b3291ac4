//! Selections: which offers, how many of each.

use std::collections::BTreeSet;
use std::sync::Arc;

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::catalog::{Offer, Product};
use scrip_domain::license::License;
use scrip_domain::order::{MAX_LINES, MAX_UNITS};
use scrip_domain::visibility::{FieldGroup, Level};
use scrip_domain::{Span, Timestamp};
use scrip_license::Terms;
use scrip_storage::Fault;
use serde::{Deserialize, Serialize};

use crate::Engine;

/// How long a kept selection can be resumed.
const KEPT: Span = Span::hours(24);

/// One chosen offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The offer.
    pub offer: Id<Offer>,
    /// How many units.
    pub quantity: u32,
    /// The license that it adds to, in place of one that it makes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extends: Option<Id<License>>,
}

/// 1 to 50 choices, 1 to 100 units in all, and perhaps a coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    choices: Vec<Choice>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    coupon: Option<String>,
}

/// Why a list of choices is no selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotASelection {
    /// No line.
    Empty,
    /// More than 50 lines.
    TooManyLines,
    /// A line with no units; its index.
    NoUnits(usize),
    /// More than 100 units over all lines.
    TooManyUnits,
    /// A license is extended by two lines; the index of the second.
    ExtendedTwice(usize),
}

impl Selection {
    /// A selection of `choices`.
    pub fn new(choices: Vec<Choice>) -> Result<Self, NotASelection> {
        if choices.is_empty() {
            return Err(NotASelection::Empty);
        }
        if choices.len() > MAX_LINES {
            return Err(NotASelection::TooManyLines);
        }
        if let Some(index) = choices.iter().position(|choice| choice.quantity == 0) {
            return Err(NotASelection::NoUnits(index));
        }
        let mut extended = BTreeSet::new();
        let twice = |choice: &Choice| choice.extends.is_some_and(|id| !extended.insert(id));
        if let Some(index) = choices.iter().position(twice) {
            return Err(NotASelection::ExtendedTwice(index));
        }
        let units = choices.iter().try_fold(0_u32, |sum, choice| sum.checked_add(choice.quantity));
        match units {
            Some(units) if units <= MAX_UNITS => Ok(Self { choices, coupon: None }),
            _ => Err(NotASelection::TooManyUnits),
        }
    }

    /// The same with this coupon, as it was typed.
    #[must_use]
    pub fn with_coupon(self, coupon: String) -> Self {
        Self { coupon: Some(coupon), ..self }
    }

    /// The choices, in order.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The coupon, as it was typed.
    pub fn coupon(&self) -> Option<&str> {
        self.coupon.as_deref()
    }

    /// The first choice that adds to a license.
    pub fn first_extending(&self) -> Option<usize> {
        self.choices.iter().position(|choice| choice.extends.is_some())
    }
}

/// What an offer sells: a product, and in a bundle other offers with theirs, which never change.
#[derive(Clone, Debug)]
pub(crate) struct Sold {
    pub product: Id<Product>,
    pub items: Arc<[(Id<Offer>, Id<Product>)]>,
    /// Whether something of it was a trial when it was looked up.
    pub trial: bool,
    /// Whether a product or a price of it was hidden from anybody then.
    pub hides: bool,
}

/// What is known of a selection before it is decided.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub chosen: Arc<[Chosen]>,
    /// Of what hides something, the products that the account has, each with a license: what an account owns stays visible
    /// to it. Nothing is looked up where everybody sees everything.
    pub owned: Vec<License>,
}

/// A choice and what its offer sells: the keys that a command wants.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub offer: Id<Offer>,
    pub sold: Sold,
    pub quantity: u32,
    pub extends: Option<Id<License>>,
}

impl Sold {
    /// Its products: that of a bundle, and those in it.
    fn products(&self) -> impl Iterator<Item = Id<Product>> {
        let items = self.items.iter().map(|(_, product)| *product);
        items.chain([self.product])
    }
}

impl Chosen {
    /// How many lines it becomes.
    pub fn lines(&self) -> usize {
        self.sold.items.len().max(1)
    }

    /// How many licenses it makes.
    pub fn licenses(&self) -> usize {
        let quantity = usize::try_from(self.quantity).unwrap_or(usize::MAX);
        if self.extends.is_some() { 0 } else { quantity.saturating_mul(self.lines()) }
    }
}

impl Engine {
    /// Keeps a selection for whoever has to register or top up first.
    pub fn keep_selection(&self, selection: &Selection, now: Timestamp) -> String {
        self.seal("selection", selection, now.plus(KEPT))
    }

    /// A kept selection, and until when it can be resumed: an order that was made of it before is
    /// answered again later too.
    pub fn kept_selection(&self, kept: &str) -> Option<(Selection, Timestamp)> {
        let (kept, until) = self.unseal_any_age::<Selection>("selection", kept)?;
        let Selection { choices, coupon } = kept;
        Some((Selection { coupon, ..Selection::new(choices).ok()? }, until))
    }

    /// What the chosen offers sell, and what of it `account` owns; the index of the first line whose offer does not exist.
    pub(crate) async fn found(
        &self,
        selection: &Selection,
        account: Option<Id<Account>>,
    ) -> Result<Result<Found, usize>, Fault> {
        let mut chosen = Vec::with_capacity(selection.choices().len());
        for (index, choice) in selection.choices().iter().enumerate() {
            let Some(sold) = self.sold_by(choice.offer).await? else { return Ok(Err(index)) };
            let Choice { offer, quantity, extends } = *choice;
            chosen.push(Chosen { offer, sold, quantity, extends });
        }
        let hiding = chosen.iter().filter(|chosen| chosen.sold.hides);
        let products: BTreeSet<_> = hiding.flat_map(|chosen| chosen.sold.products()).collect();
        let products: Vec<_> = products.into_iter().collect();
        let owned = match account {
            Some(account) => self.store.licenses_by_product(account, &products).await?,
            None => Vec::new(),
        };
        Ok(Ok(Found { chosen: chosen.into(), owned }))
    }

    /// What an offer sells.
    pub(crate) async fn sold_by(&self, offer: Id<Offer>) -> Result<Option<Sold>, Fault> {
        if let Some(sold) = self.memory.sold_by(offer, self.now()) {
            return Ok(Some(sold));
        }
        let epoch = self.memory.epoch();
        let Some(row) = self.store.offer(offer).await? else { return Ok(None) };
        let is_trial = |offer: &Offer| matches!(offer.terms, Terms::Trial { .. });
        let (mut items, mut trial) = (Vec::new(), is_trial(&row));
        let mut products = vec![row.product];
        for item in self.store.bundle_items(offer).await? {
            let lost = || Fault::Bug("an offer in a bundle is gone".into());
            let of_item = self.store.offer(item.item).await?.ok_or_else(lost)?;
            trial = trial || is_trial(&of_item);
            items.push((of_item.id, of_item.product));
            products.push(of_item.product);
        }
        let vendor = self.vendor().await?;
        let hides = self.store.products_called(&products).await?.into_iter().any(|product| {
            [FieldGroup::Product, FieldGroup::Price].into_iter().any(|group| {
                product.visibility.needed(group, &vendor.settings.visibility) != Level::Visitor
            })
        });
        let sold = Sold { product: row.product, items: items.into(), trial, hides };
        self.memory.remember_sold_by(offer, sold.clone(), epoch);
        Ok(Some(sold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_have_bounds() {
        let choice = |quantity: u32, extends: Option<u64>| Choice {
            offer: Id::new(1).unwrap(),
            quantity,
            extends: extends.map(|license| Id::new(license).unwrap()),
        };
        let of = |quantities: &[u32]| {
            let choices = quantities.iter().map(|quantity| choice(*quantity, None)).collect();
            Selection::new(choices).map(|selection| selection.choices().len())
        };
        assert_eq!(of(&[]), Err(NotASelection::Empty));
        assert_eq!(of(&[1, 0]), Err(NotASelection::NoUnits(1)));
        assert_eq!(of(&[2; 50]), Ok(50));
        assert_eq!(of(&[1; 51]), Err(NotASelection::TooManyLines));
        assert_eq!(of(&[100]), Ok(1));
        assert_eq!(of(&[100, 1]), Err(NotASelection::TooManyUnits));
        assert_eq!(of(&[u32::MAX, 2]), Err(NotASelection::TooManyUnits));
        let twice = vec![choice(1, Some(7)), choice(1, Some(8)), choice(2, Some(7))];
        assert_eq!(Selection::new(twice), Err(NotASelection::ExtendedTwice(2)));
    }
}
