//! A vendor's catalogue as a folder: `catalog.toml` and the files it names.
//!
//! ```text
//! folder ──read──▶ Catalog ──┐
//!                            ├─diff─▶ Difference ──apply──▶ server
//! server ──read──▶ Catalog ──┘
//! server ──read──▶ Catalog ──export──▶ folder
//! ```
//!
//! A folder is read whole before anything is sent, and everything that is wrong in it is said at
//! once, with its line. Products go by slug, offers by key, releases by channel and version, files
//! by name, so that the same folder can be applied again and again. What was once published stays:
//! a product that left the folder is archived, an offer is withdrawn, a release is kept.

pub mod apply;
mod cursor;
pub mod diff;
pub mod export;
pub mod folder;
mod goods;
mod mistake;
mod price;
pub mod remote;
pub mod show;

use std::collections::BTreeMap;
use std::path::PathBuf;

use scrip_domain::catalog::ProductState;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::catalog::release::ReleaseFields;

pub use mistake::{Mistake, Mistakes};

/// The name of the file that describes a folder.
pub const FILE: &str = "catalog.toml";

/// A whole catalogue, of a folder or of a server.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// In the order in which they were entered.
    pub products: Vec<Product>,
    /// Where the bytes of files and pictures lie, by SHA-256. Empty for a server.
    pub objects: BTreeMap<String, Object>,
}

/// A product with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What is said of it.
    pub fields: ProductFields,
    /// Where it stands.
    pub state: ProductState,
    /// What it can be bought as.
    pub offers: Vec<Offer>,
    /// Its versions, oldest first.
    pub releases: Vec<Release>,
}

/// An offer by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The vendor's own name of it.
    pub key: String,
    /// What is said of it.
    pub fields: OfferFields,
    /// What is in it, of a bundle: offers, each as `product-slug/offer-key`.
    pub items: Vec<String>,
}

/// A release by its channel and version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The channel.
    pub channel: String,
    /// The version.
    pub version: String,
    /// What is said of it; whether it is published is `publish`.
    pub fields: ReleaseFields,
}

/// Bytes on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Where.
    pub path: PathBuf,
    /// How many.
    pub size: u64,
}

impl Catalog {
    /// The product at `slug`.
    pub fn product(&self, slug: &str) -> Option<&Product> {
        self.products.iter().find(|product| product.fields.slug == slug)
    }
}
