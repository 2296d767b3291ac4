//! Reads about the catalogue.

use scrip_domain::Id;
use scrip_domain::catalog::{File, Offer, Product, Release};

use crate::fault::Fault;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// A product, in whatever state.
    pub async fn product(&self, id: Id<Product>) -> Result<Option<Product>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The product with this slug, in whatever state.
    pub async fn product_by_slug(&self, slug: &str) -> Result<Option<Product>, Fault> {
        self.row("WHERE t.slug = $1", cells(&slug.to_owned())).await
    }

    /// An offer, current or not.
    pub async fn offer(&self, id: Id<Offer>) -> Result<Option<Offer>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A product's offers, oldest first.
    pub async fn offers_of(&self, product: Id<Product>) -> Result<Vec<Offer>, Fault> {
        self.rows("WHERE t.product = $1 ORDER BY t.id", cells(&product)).await
    }

    /// A release.
    pub async fn release(&self, id: Id<Release>) -> Result<Option<Release>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A product's releases, newest first.
    pub async fn releases_of(&self, product: Id<Product>) -> Result<Vec<Release>, Fault> {
        self.rows("WHERE t.product = $1 ORDER BY t.id DESC", cells(&product)).await
    }

    /// A file.
    pub async fn file(&self, id: Id<File>) -> Result<Option<File>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A release's files, in the order of their ids.
    pub async fn files_of(&self, release: Id<Release>) -> Result<Vec<File>, Fault> {
        self.rows("WHERE t.release = $1 ORDER BY t.id", cells(&release)).await
    }
}
