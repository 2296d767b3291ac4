//! What is for sale. What the caller's standing may not see is absent, and named in `hidden`.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Client, Error, Money, Page, Paging, url};

/// Which products are asked for.
#[derive(Clone, Debug, Default)]
pub struct ProductQuery {
    /// Words to look for.
    pub q: Option<String>,
    /// A kind of goods.
    pub kind: Option<String>,
    /// A category.
    pub category: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// `newest`, `title`, `price` or `-price`.
    pub sort: Option<String>,
    /// Which page.
    pub paging: Paging,
}

/// A product in a list.
#[derive(Clone, Debug, Deserialize)]
pub struct ProductSummary {
    /// Its id.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// What kind of goods it is.
    pub kind: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its lowest current price.
    pub price_from: Option<Money>,
    /// What the caller doesn't see.
    #[serde(default)]
    pub hidden: Vec<Hidden>,
}

/// A product with all that the caller may see.
#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// What kind of goods it is.
    pub kind: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// What it can be bought as.
    #[serde(default)]
    pub offers: Vec<Offer>,
    /// Its current release.
    #[serde(default)]
    pub release: Value,
    /// The files of that release.
    #[serde(default)]
    pub files: Vec<File>,
    /// What it would mean for the caller's wallet.
    pub payment: Option<Payment>,
    /// What the caller doesn't see.
    #[serde(default)]
    pub hidden: Vec<Hidden>,
}

/// Something a product can be bought as.
#[derive(Clone, Debug, Deserialize)]
pub struct Offer {
    /// Its id, which a line of an order names.
    pub id: String,
    /// Its price.
    pub price: Option<Money>,
    /// What the license will permit.
    #[serde(default)]
    pub terms: Value,
}

/// A file of a release.
#[derive(Clone, Debug, Deserialize)]
pub struct File {
    /// Its id, which a download names.
    pub id: String,
    /// Its name on disk.
    pub name: Option<String>,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its digest in hexadecimal digits.
    pub sha256: Option<String>,
    /// The platform it is for.
    pub platform: Option<String>,
    /// How long it will take.
    pub estimated_download: Option<EstimatedDownload>,
}

/// How long a download will take.
#[derive(Clone, Debug, Deserialize)]
pub struct EstimatedDownload {
    /// So many seconds
    pub seconds: f64,
    /// by this measure
    pub basis: Option<String>,
    /// at this speed.
    pub mbps: Option<f64>,
}

/// What a purchase would mean for the caller's wallet.
#[derive(Clone, Debug, Deserialize)]
pub struct Payment {
    /// The lowest current price.
    pub price_from: Option<Money>,
    /// What can be spent.
    pub available: Option<Money>,
    /// What would be left.
    pub remaining: Option<Money>,
    /// What would have to be added.
    #[serde(default)]
    pub top_up: Value,
}

/// Fields that the caller doesn't see, and what would show them.
#[derive(Clone, Debug, Deserialize)]
pub struct Hidden {
    /// Their names.
    pub fields: Vec<String>,
    /// The standing that sees them.
    pub needs: String,
    /// How to get there.
    #[serde(default)]
    pub links: Map<String, Value>,
}

impl Client {
    /// Products, a page at a time.
    pub async fn products(&self, query: &ProductQuery) -> Result<Page<ProductSummary>, Error> {
        let path = url::with_query(
            "/v1/products",
            &[
                ("q", query.q.as_deref()),
                ("kind", query.kind.as_deref()),
                ("category", query.category.as_deref()),
                ("tag", query.tag.as_deref()),
                ("sort", query.sort.as_deref()),
            ],
        );
        self.get(&query.paging.of(&path)).await
    }

    /// A product by its slug.
    pub async fn product(&self, slug: &str) -> Result<Product, Error> {
        self.get(&format!("/v1/products/{}", url::encode(slug))).await
    }
}
