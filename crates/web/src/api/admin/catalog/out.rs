//! The catalogue as its staff sees it: everything, in the form in which it is put.

use scrip_domain::catalog::{File, Offer, Product, ProductKind, Release};
use scrip_domain::settings::Token;
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::api::products::PictureBody;
use crate::api::terms::{LimitsBody, TermsBody};
use crate::api::texts::TextsBody;
use crate::api::visibility::VisibilityBody;
use crate::money::MoneyOut;
use crate::problem::Problem;

/// A product, by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductNames)]
pub struct Names {
    #[schema(example = "prd_06bq3v8k2m9zc")]
    id: String,
    slug: String,
    /// `download`, `service` or `bundle`.
    kind: String,
    /// `draft`, `published` or `archived`.
    state: String,
    title: String,
    updated_at: String,
}

impl From<&Product> for Names {
    fn from(product: &Product) -> Self {
        Self {
            id: product.id.to_string(),
            slug: product.slug.clone(),
            kind: product.kind.to_string(),
            state: product.state.to_string(),
            title: product.title.clone(),
            updated_at: product.updated_at.to_string(),
        }
    }
}

/// A product with all that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminProduct {
    #[schema(example = "prd_06bq3v8k2m9zc")]
    id: String,
    slug: String,
    /// `download`, `service` or `bundle`.
    kind: String,
    /// `draft`, `published` or `archived`.
    state: String,
    title: String,
    summary: String,
    /// Markdown.
    description: String,
    categories: Vec<String>,
    tags: Vec<String>,
    pictures: Vec<PictureBody>,
    /// What sees each group, where it differs from the vendor's settings.
    #[schema(value_type = VisibilityBody)]
    visibility: Visibility,
    /// Markdown.
    instructions: String,
    /// The same texts in further languages.
    #[schema(value_type = TextsBody)]
    texts: Texts,
    /// The lowest price of what is offered now.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_from: Option<MoneyOut>,
    /// The release that buyers get.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    /// Counts the changes.
    version: u64,
    created_at: String,
    updated_at: String,
    /// Every offer, oldest first, retired ones too.
    offers: Vec<AdminOffer>,
    /// Every release, newest first.
    releases: Vec<AdminRelease>,
}

impl AdminProduct {
    /// `product` with its offers and releases.
    pub async fn load(app: &App, product: Product) -> Result<Self, Problem> {
        let vendor = app.engine.vendor().await?;
        let token = &vendor.settings.token;
        let store = app.engine.store();
        let mut offers = Vec::new();
        for offer in store.offers_of(product.id).await? {
            offers.push(if product.kind == ProductKind::Bundle {
                AdminOffer::load(app, &offer, token).await?
            } else {
                AdminOffer::new(&offer, token)
            });
        }
        let mut releases = Vec::new();
        for release in store.releases_of(product.id).await? {
            let files = store.files_of(release.id).await?;
            releases.push(AdminRelease::new(&release, &files));
        }
        Ok(Self {
            id: product.id.to_string(),
            kind: product.kind.to_string(),
            state: product.state.to_string(),
            visibility: product.visibility,
            price_from: product.price_from.map(|price| MoneyOut::tokens(price, token)),
            release: product.release.map(|release| release.to_string()),
            version: product.version,
            created_at: product.created_at.to_string(),
            updated_at: product.updated_at.to_string(),
            slug: product.slug,
            title: product.title,
            summary: product.summary,
            description: product.description,
            categories: product.labels.categories,
            tags: product.labels.tags,
            pictures: product.pictures.into_iter().map(PictureBody::from).collect(),
            instructions: product.instructions,
            texts: product.texts,
            offers,
            releases,
        })
    }
}

/// An offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOffer {
    #[schema(example = "ofr_06bq3v8k2m9zc")]
    id: String,
    /// The vendor's own name of it.
    key: String,
    price: MoneyOut,
    terms: TermsBody,
    limits: LimitsBody,
    /// Whether it is offered now: not retired, and the product published.
    current: bool,
    /// Since when it is withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<String>,
    created_at: String,
    /// What is in it, of a bundle: offers, each as `product-slug/offer-key`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<String>,
}

impl AdminOffer {
    /// An offer in the vendor's tokens, with what is in it.
    pub async fn load(app: &App, offer: &Offer, token: &Token) -> Result<Self, Problem> {
        let items = app.engine.item_names(offer.id).await?;
        Ok(Self { items, ..Self::new(offer, token) })
    }

    fn new(offer: &Offer, token: &Token) -> Self {
        Self {
            items: Vec::new(),
            id: offer.id.to_string(),
            key: offer.key.clone(),
            price: MoneyOut::tokens(offer.price, token),
            terms: offer.terms.into(),
            limits: offer.limits.into(),
            current: offer.current,
            retired_at: offer.retired_at.map(|at| at.to_string()),
            created_at: offer.created_at.to_string(),
        }
    }
}

/// A release with its files.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminRelease {
    #[schema(example = "rel_06bq3v8k2m9zc")]
    id: String,
    version: String,
    channel: String,
    /// Markdown.
    notes: String,
    /// SHA-256 of the list of its files, which codes carry.
    manifest: String,
    /// When it was published; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_at: Option<String>,
    files: Vec<AdminFile>,
}

/// A file.
#[derive(Debug, Serialize, ToSchema)]
struct AdminFile {
    #[schema(example = "fil_06bq3v8k2m9zc")]
    id: String,
    #[schema(example = "field-recorder.zip")]
    name: String,
    #[schema(example = 1_048_576)]
    size: u64,
    sha256: String,
    platform: String,
    media_type: String,
}

impl AdminRelease {
    /// A release with `files`.
    pub fn new(release: &Release, files: &[File]) -> Self {
        let file = |file: &File| AdminFile {
            id: file.id.to_string(),
            name: file.name.clone(),
            size: file.size,
            sha256: file.sha256.clone(),
            platform: file.platform.clone(),
            media_type: file.media_type.clone(),
        };
        Self {
            id: release.id.to_string(),
            version: release.version.clone(),
            channel: release.channel.clone(),
            notes: release.notes.clone(),
            manifest: release.manifest.clone(),
            published_at: release.published_at.map(|at| at.to_string()),
            files: files.iter().map(file).collect(),
        }
    }
}
