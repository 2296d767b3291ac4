//! What has to change on a server for its catalogue to equal a folder.

use std::collections::BTreeSet;

use scrip_domain::catalog::ProductState;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::catalog::release::FileFields;
use serde::Serialize;

use super::{Catalog, Offer, Product, Release};

/// What has to change, in the order of the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Product by product; those that are equal are not here.
    pub products: Vec<ProductChange>,
    /// What the folder asks for and no server does.
    #[serde(skip)]
    pub impossible: Vec<String>,
}

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It is new.
    Add,
    /// It is there and becomes different.
    Change,
    /// It is there, and the folder has it no more.
    Remove,
}

/// What has to change of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProductChange {
    /// Which.
    pub slug: String,
    /// What happens to it; to remove a product is to archive it.
    pub act: Act,
    /// Which of its own fields become different.
    pub fields: Vec<&'static str>,
    /// The state that it changes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ProductState>,
    /// Which of its offers, by key.
    pub offers: Vec<PartChange>,
    /// Which of its releases, by channel and version.
    pub releases: Vec<PartChange>,
}

/// What has to change of an offer or release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartChange {
    /// The key; or channel and version, with a slash between.
    pub name: String,
    /// What happens to it; to remove an offer is to withdraw it, and a release is never removed.
    pub act: Act,
    /// Which of its fields become different.
    pub fields: Vec<&'static str>,
}

impl Difference {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// How many products this happens to.
    pub fn count(&self, act: Act) -> usize {
        self.products.iter().filter(|change| change.act == act).count()
    }
}

/// What has to change on the server that has `there` for it to have `wanted`.
pub fn diff(there: &Catalog, wanted: &Catalog) -> Difference {
    let mut difference = Difference::default();
    for product in &wanted.products {
        let slug = &product.fields.slug;
        let change = match there.products.iter().find(|old| old.fields.slug == *slug) {
            Some(old) => changed(old, product, &mut difference.impossible),
            None => Some(added(product)),
        };
        difference.products.extend(change);
    }
    let slugs: BTreeSet<_> = wanted.products.iter().map(|product| &product.fields.slug).collect();
    let gone = there
        .products
        .iter()
        .filter(|old| old.state != ProductState::Archived && !slugs.contains(&old.fields.slug));
    difference.products.extend(gone.map(|old| ProductChange {
        slug: old.fields.slug.clone(),
        act: Act::Remove,
        fields: Vec::new(),
        state: Some(ProductState::Archived),
        offers: Vec::new(),
        releases: Vec::new(),
    }));
    difference
}

fn added(product: &Product) -> ProductChange {
    let part = |name: String| PartChange { name, act: Act::Add, fields: Vec::new() };
    ProductChange {
        slug: product.fields.slug.clone(),
        act: Act::Add,
        fields: Vec::new(),
        // Every product begins as a draft.
        state: (product.state != ProductState::Draft).then_some(product.state),
        offers: product.offers.iter().map(|offer| part(offer.key.clone())).collect(),
        releases: product.releases.iter().map(|release| part(release.name())).collect(),
    }
}

fn changed(old: &Product, new: &Product, impossible: &mut Vec<String>) -> Option<ProductChange> {
    let slug = &new.fields.slug;
    if new.state == ProductState::Draft && old.state != ProductState::Draft {
        impossible.push(format!(
            "{slug} is {} and cannot be a draft again: make it archived instead",
            old.state
        ));
    }
    let change = ProductChange {
        slug: slug.clone(),
        act: Act::Change,
        fields: product_fields(&old.fields, &new.fields),
        state: (old.state != new.state).then_some(new.state),
        offers: offers(slug, &old.offers, &new.offers, impossible),
        releases: releases(slug, &old.releases, &new.releases, impossible),
    };
    let same = change.fields.is_empty()
        && change.state.is_none()
        && change.offers.is_empty()
        && change.releases.is_empty();
    (!same).then_some(change)
}

/// The names of those that are not equal.
fn names(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    fields.iter().filter(|(_, equal)| !equal).map(|(name, _)| *name).collect()
}

fn product_fields(old: &ProductFields, new: &ProductFields) -> Vec<&'static str> {
    names(&[
        ("kind", old.kind == new.kind),
        ("title", old.title == new.title),
        ("summary", old.summary == new.summary),
        ("description", old.description == new.description),
        ("categories", old.labels.categories == new.labels.categories),
        ("tags", old.labels.tags == new.labels.tags),
        ("pictures", old.pictures == new.pictures),
        ("visibility", old.visibility == new.visibility),
        ("instructions", old.instructions == new.instructions),
        ("texts", old.texts == new.texts),
    ])
}

fn offers(
    slug: &str,
    old: &[Offer],
    new: &[Offer],
    impossible: &mut Vec<String>,
) -> Vec<PartChange> {
    let mut changes = Vec::new();
    for offer in new {
        let other = |old: &&Offer| old.key == offer.key && old.items != offer.items;
        if old.iter().any(|old| other(&old)) {
            impossible.push(format!(
                "offer {} of {slug} is a bundle of other things by now, and what is in it never changes: \
                 enter it under another key",
                offer.key
            ));
        }
        let (act, fields) = match old.iter().find(|old| old.key == offer.key) {
            Some(old) => (Act::Change, offer_fields(&old.fields, &offer.fields)),
            None => (Act::Add, Vec::new()),
        };
        if act == Act::Add || !fields.is_empty() {
            changes.push(PartChange { name: offer.key.clone(), act, fields });
        }
    }
    for offer in old.iter().filter(|old| !new.iter().any(|new| new.key == old.key)) {
        let name = offer.key.clone();
        changes.push(PartChange { name, act: Act::Remove, fields: Vec::new() });
    }
    changes
}

fn offer_fields(old: &OfferFields, new: &OfferFields) -> Vec<&'static str> {
    names(&[
        ("price", old.price == new.price),
        ("terms", old.terms == new.terms),
        ("limits", old.limits == new.limits),
    ])
}

/// A release that the folder has no more is no difference: what was published stays with its owners.
fn releases(
    slug: &str,
    old: &[Release],
    new: &[Release],
    impossible: &mut Vec<String>,
) -> Vec<PartChange> {
    let mut changes = Vec::new();
    for release in new {
        let name = release.name();
        let Some(old) = old.iter().find(|old| old.name() == name) else {
            changes.push(PartChange { name, act: Act::Add, fields: Vec::new() });
            continue;
        };
        let fields = names(&[
            ("notes", old.fields.notes == release.fields.notes),
            ("files", same_files(&old.fields.files, &release.fields.files)),
            ("published", old.fields.publish == release.fields.publish),
        ]);
        if old.fields.publish && (fields.contains(&"files") || fields.contains(&"published")) {
            impossible.push(format!(
                "release {name} of {slug} is published, and its files are fixed: \
                 codes carry their digest. Enter them as a new version"
            ));
        }
        if !fields.is_empty() {
            changes.push(PartChange { name, act: Act::Change, fields });
        }
    }
    changes
}

/// Whether they are the same files, in whatever order.
fn same_files(old: &[FileFields], new: &[FileFields]) -> bool {
    old.len() == new.len() && new.iter().all(|file| old.contains(file))
}

impl Release {
    /// Its name within the product.
    pub fn name(&self) -> String {
        format!("{}/{}", self.channel, self.version)
    }
}

#[cfg(test)]
mod tests;
