//! Visibility: which standing sees which part of a product.

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// What a visitor must be to see something. Each level sees what those before it see.
    pub enum Level {
        /// Everybody.
        Visitor = "visitor",
        /// An account that permits transactions.
        Member = "member",
        /// Available balance at or above the threshold.
        Funded = "funded",
        /// Available balance covers this product (or the kept selection).
        Covered = "covered",
    }
}

impl Level {
    /// Its place among the levels: a visitor's is 0.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Visitor => 0,
            Self::Member => 1,
            Self::Funded => 2,
            Self::Covered => 3,
        }
    }

    /// The level with this rank.
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.rank() == rank)
    }
}

words! {
    /// A group of a product's fields that is shown or hidden together.
    pub enum FieldGroup {
        /// The product itself.
        Product = "product",
        /// Its price, and everything computed from it.
        Price = "price",
        /// The long description.
        Description = "description",
        /// Pictures.
        Pictures = "pictures",
        /// Files: names, sizes, digests, estimated times.
        Files = "files",
        /// Release notes.
        ReleaseNotes = "release_notes",
    }
}

/// The level that each field group needs; a group without one follows the vendor's setting, and
/// there without one is seen by everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Visibility {
    /// For the product itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Level>,
    /// For the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Level>,
    /// For the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Level>,
    /// For the pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Level>,
    /// For the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Level>,
    /// For the release notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_notes: Option<Level>,
}

impl Visibility {
    /// The level set for `group`, if one is.
    pub fn get(&self, group: FieldGroup) -> Option<Level> {
        match group {
            FieldGroup::Product => self.product,
            FieldGroup::Price => self.price,
            FieldGroup::Description => self.description,
            FieldGroup::Pictures => self.pictures,
            FieldGroup::Files => self.files,
            FieldGroup::ReleaseNotes => self.release_notes,
        }
    }

    /// The level that `group` of a product needs, when these are the product's own settings.
    pub fn needed(&self, group: FieldGroup, vendor: &Self) -> Level {
        self.get(group).or(vendor.get(group)).unwrap_or(Level::Visitor)
    }
}
