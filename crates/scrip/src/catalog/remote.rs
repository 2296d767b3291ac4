//! The catalogue that a running server has.

use std::collections::BTreeMap;

use scrip_client::{Admin, Error};
use scrip_domain::Amount;
use scrip_domain::catalog::{Labels, Picture, ProductKind, ProductState};
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_engine::catalog::offer::OfferFields;
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::catalog::release::{FileFields, ReleaseFields};
use scrip_license::{Limits, Terms};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::folder::Token;
use super::{Catalog, Offer, Product, Release};
use crate::failure::{Failure, Outcome};

/// The unit of the server's prices.
pub async fn token(admin: &Admin) -> Result<Token, Error> {
    let token = admin.client().vendor().await?.token;
    Ok(Token { code: token.code, scale: token.scale })
}

/// Everything that the server has for sale, had, or prepares, in the order in which it was entered.
pub async fn catalog(admin: &Admin) -> Outcome<Catalog> {
    let mut products = Vec::new();
    for slug in slugs(admin).await? {
        let path = product_path(&slug);
        let product: ProductOut = read(admin.get(&path).await?, &path)?;
        products.push(Product::from(product));
    }
    Ok(Catalog { products, objects: BTreeMap::new() })
}

/// Where a product is managed. A slug needs no escapes.
pub fn product_path(slug: &str) -> String {
    format!("products/{slug}")
}

async fn slugs(admin: &Admin) -> Outcome<Vec<String>> {
    let mut slugs = Vec::new();
    let mut path = "products?limit=100".to_owned();
    loop {
        let page: NamesPage = read(admin.get(&path).await?, &path)?;
        slugs.extend(page.data.into_iter().map(|names| names.slug));
        match page.next {
            // A cursor is base64url, and needs no escapes either.
            Some(next) => path = format!("products?limit=100&after={next}"),
            None => break,
        }
    }
    // The list has the newest first.
    slugs.reverse();
    Ok(slugs)
}

fn read<T: DeserializeOwned>(value: Value, path: &str) -> Outcome<T> {
    serde_json::from_value(value).map_err(|error| {
        Failure::new(format!("cannot read what the server says of {path}: {error}"))
            .advise("Is the server as new as this program?")
    })
}

#[derive(Debug, Deserialize)]
struct NamesPage {
    data: Vec<Names>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Names {
    slug: String,
}

#[derive(Debug, Deserialize)]
struct ProductOut {
    slug: String,
    kind: ProductKind,
    state: ProductState,
    title: String,
    summary: String,
    description: String,
    #[serde(flatten)]
    labels: LabelsOut,
    pictures: Vec<Picture>,
    visibility: Visibility,
    instructions: String,
    // A server that is older than this program has none.
    #[serde(default)]
    texts: Texts,
    offers: Vec<OfferOut>,
    releases: Vec<ReleaseOut>,
}

#[derive(Debug, Deserialize)]
struct LabelsOut {
    categories: Vec<String>,
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct OfferOut {
    key: String,
    price: PriceOut,
    terms: Terms,
    limits: Limits,
    retired_at: Option<String>,
    #[serde(default)]
    items: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct PriceOut {
    amount: Amount,
}

#[derive(Debug, Deserialize)]
struct ReleaseOut {
    version: String,
    channel: String,
    notes: String,
    published_at: Option<String>,
    files: Vec<FileOut>,
}

#[derive(Debug, Deserialize)]
struct FileOut {
    name: String,
    sha256: String,
    platform: String,
    media_type: String,
}

impl From<ProductOut> for Product {
    fn from(out: ProductOut) -> Self {
        let current = out.offers.into_iter().filter(|offer| offer.retired_at.is_none());
        Self {
            fields: ProductFields {
                slug: out.slug,
                kind: out.kind,
                title: out.title,
                summary: out.summary,
                description: out.description,
                labels: Labels { categories: out.labels.categories, tags: out.labels.tags },
                pictures: out.pictures,
                visibility: out.visibility,
                instructions: out.instructions,
                texts: out.texts,
            },
            state: out.state,
            offers: current.map(Offer::from).collect(),
            // The newest is the first on the server, and the last in a folder.
            releases: out.releases.into_iter().rev().map(Release::from).collect(),
        }
    }
}

impl From<OfferOut> for Offer {
    fn from(out: OfferOut) -> Self {
        let OfferOut { key, price, terms, limits, items, .. } = out;
        Self { key, fields: OfferFields { price: price.amount, terms, limits }, items }
    }
}

impl From<ReleaseOut> for Release {
    fn from(out: ReleaseOut) -> Self {
        let file = |file: FileOut| FileFields {
            name: file.name,
            sha256: file.sha256,
            platform: file.platform,
            media_type: file.media_type,
        };
        let files = out.files.into_iter().map(file).collect();
        let publish = out.published_at.is_some();
        let fields = ReleaseFields { notes: out.notes, files, publish };
        Self { channel: out.channel, version: out.version, fields }
    }
}
