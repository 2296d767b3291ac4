//! Selections: which offers, how many of each.

use std::sync::Arc;

use scrip_domain::Id;
use scrip_domain::catalog::{Offer, Product};
use scrip_domain::order::{MAX_LINES, MAX_UNITS};
use scrip_domain::{Span, Timestamp};
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

    /// How many units, over all lines.
    pub fn units(&self) -> usize {
        self.choices.iter().filter_map(|choice| usize::try_from(choice.quantity).ok()).sum()
    }
}

/// A choice and the product that its offer sells: the keys that a command wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen {
    pub offer: Id<Offer>,
    pub product: Id<Product>,
    pub quantity: u32,
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

    /// The products of the chosen offers; the index of the first line whose offer does not exist.
    pub(crate) async fn products_of(
        &self,
        selection: &Selection,
    ) -> Result<Result<Arc<[Chosen]>, usize>, Fault> {
        let mut chosen = Vec::with_capacity(selection.choices().len());
        for (index, choice) in selection.choices().iter().enumerate() {
            let Some(product) = self.product_of(choice.offer).await? else { return Ok(Err(index)) };
            chosen.push(Chosen { offer: choice.offer, product, quantity: choice.quantity });
        }
        Ok(Ok(chosen.into()))
    }

    /// The product that an offer sells, which never changes.
    async fn product_of(&self, offer: Id<Offer>) -> Result<Option<Id<Product>>, Fault> {
        if let Some(product) = self.memory.product_of(offer) {
            return Ok(Some(product));
        }
        let product = self.store.offer(offer).await?.map(|offer| offer.product);
        if let Some(product) = product {
            self.memory.remember_product_of(offer, product);
        }
        Ok(product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_have_bounds() {
        let of = |quantities: &[u32]| {
            let choice =
                |quantity: &u32| Choice { offer: Id::new(1).unwrap(), quantity: *quantity };
            Selection::new(quantities.iter().map(choice).collect())
                .map(|selection| selection.units())
        };
        assert_eq!(of(&[]), Err(NotASelection::Empty));
        assert_eq!(of(&[1, 0]), Err(NotASelection::NoUnits(1)));
        assert_eq!(of(&[2; 50]), Ok(100));
        assert_eq!(of(&[1; 51]), Err(NotASelection::TooManyLines));
        assert_eq!(of(&[100]), Ok(100));
        assert_eq!(of(&[100, 1]), Err(NotASelection::TooManyUnits));
        assert_eq!(of(&[u32::MAX, 2]), Err(NotASelection::TooManyUnits));
    }
}
