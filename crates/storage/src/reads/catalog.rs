//! Reads about the catalogue.

use std::collections::BTreeMap;

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::catalog::{File, Offer, Picture, Product, Release};
use scrip_domain::license::License;

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::index::{Entry, LICENSED, OWNED, TRIAL};
use crate::reads::{Page, cells, list_of};
use crate::store::Store;

impl Store {
    /// A product, in whatever state.
    pub async fn product(&self, id: Id<Product>) -> Result<Option<Product>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These products, in whatever state, in no order.
    pub async fn products_called(&self, ids: &[Id<Product>]) -> Result<Vec<Product>, Fault> {
        self.rows_in("id", ids, "").await
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

    /// These products' offers that are not retired, in no order.
    pub async fn offers_open(&self, products: &[Id<Product>]) -> Result<Vec<Offer>, Fault> {
        self.rows_in("product", products, "AND t.retired_at IS NULL").await
    }

    /// The offer that the vendor calls `key`, current or not.
    pub async fn offer_by_key(
        &self,
        product: Id<Product>,
        key: &str,
    ) -> Result<Option<Offer>, Fault> {
        let mut values = cells(&product);
        values.extend(cells(&key.to_owned()));
        self.row("WHERE t.product = $1 AND t.key = $2", values).await
    }

    /// A page of all products, in whatever state, newest first.
    pub async fn products(&self, page: Page) -> Result<Vec<Product>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A release.
    pub async fn release(&self, id: Id<Release>) -> Result<Option<Release>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A product's releases, newest first.
    pub async fn releases_of(&self, product: Id<Product>) -> Result<Vec<Release>, Fault> {
        self.rows("WHERE t.product = $1 ORDER BY t.id DESC", cells(&product)).await
    }

    /// A product's release of this version in this channel.
    pub async fn release_by_version(
        &self,
        product: Id<Product>,
        version: &str,
        channel: &str,
    ) -> Result<Option<Release>, Fault> {
        let mut values = cells(&product);
        values.extend(cells(&version.to_owned()));
        values.extend(cells(&channel.to_owned()));
        self.row("WHERE t.product = $1 AND t.version = $2 AND t.channel = $3", values).await
    }

    /// A file.
    pub async fn file(&self, id: Id<File>) -> Result<Option<File>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A release's files, in the order of their ids.
    pub async fn files_of(&self, release: Id<Release>) -> Result<Vec<File>, Fault> {
        self.rows("WHERE t.release = $1 ORDER BY t.id", cells(&release)).await
    }

    /// Every object that a file, a picture or the logo names, each once, with its bytes where they are known: those of files.
    pub async fn named_objects(&self) -> Result<Vec<(String, Option<u64>)>, Fault> {
        let text = "SELECT DISTINCT sha256, size FROM files ORDER BY sha256";
        let files = self.query("files", text.to_owned(), Vec::new(), |cells: &mut Reader<'_>| {
            let name = String::read(cells)?.ok_or_else(|| cells.corrupt())?;
            Ok((name, u64::read(cells)?))
        });
        let mut all: BTreeMap<String, Option<u64>> = files.await?.into_iter().collect();
        let text = "SELECT DISTINCT pictures FROM products WHERE pictures <> '[]'";
        let pictures =
            self.query("products", text.to_owned(), Vec::new(), |cells: &mut Reader<'_>| {
                Vec::<Picture>::read(cells)?.ok_or_else(|| cells.corrupt())
            });
        for picture in pictures.await?.into_iter().flatten() {
            all.entry(picture.object).or_insert(None);
        }
        let logo = self.vendor().await?.and_then(|vendor| vendor.settings.look.logo);
        if let Some(logo) = logo {
            all.entry(logo.object).or_insert(None);
        }
        Ok(all.into_iter().collect())
    }

    /// Whether an account has a license of a product.
    pub async fn owns(&self, account: Id<Account>, product: Id<Product>) -> Result<bool, Fault> {
        let mut values = cells(&account);
        values.push(Cell::number(product.number()));
        let tail = format!(
            "WHERE t.account = $1 AND t.kind IN ({OWNED}, {LICENSED}) AND t.key = $2 LIMIT 1"
        );
        Ok(self.row::<Entry>(&tail, values).await?.is_some())
    }

    /// A license of each of these products that an account has any of, in no order.
    pub async fn licenses_by_product(
        &self,
        account: Id<Account>,
        products: &[Id<Product>],
    ) -> Result<Vec<License>, Fault> {
        let Some((list, mut values)) = list_of(products) else { return Ok(Vec::new()) };
        values.extend(cells(&account));
        let account = values.len();
        let tail = format!(
            "WHERE t.id IN (SELECT MAX(b.target) FROM by_account b WHERE b.key IN ({list})
                AND b.kind IN ({OWNED}, {LICENSED}) AND b.account = ${account} GROUP BY b.key)"
        );
        self.rows(&tail, values).await
    }

    /// Whether an account has a product for good, so that it is not sold to them again but for the asking.
    pub async fn owns_for_good(
        &self,
        account: Id<Account>,
        product: Id<Product>,
    ) -> Result<bool, Fault> {
        let mut values = cells(&account);
        values.push(Cell::number(product.number()));
        let tail = format!(
            "WHERE t.account = $1 AND t.kind = {OWNED} AND t.key = $2 AND t.note <> {TRIAL} LIMIT 1"
        );
        Ok(self.row::<Entry>(&tail, values).await?.is_some())
    }
}
