//! A product with all that belongs to it, as it is read and remembered.

use std::collections::BTreeMap;
use std::sync::Arc;

use scrip_domain::catalog::{File, Offer, Product, ProductKind, ProductState, Release};
use scrip_domain::language::Language;
use scrip_domain::texts::TextsIn;
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use super::markdown;
use crate::Engine;

/// A product, its current offers, its newest release with files, and its texts as HTML.
#[derive(Debug)]
pub struct Parts {
    /// The product.
    pub(crate) product: Product,
    /// Its current offers, oldest first.
    pub(crate) offers: Vec<Offer>,
    /// Its newest published release.
    pub(crate) release: Option<Release>,
    /// That release's files.
    pub(crate) files: Vec<File>,
    pub(crate) description_html: String,
    /// Its description in further languages, where there is one.
    pub(crate) other_html: BTreeMap<Language, String>,
    pub(crate) notes_html: String,
}

impl Parts {
    /// The product's id, by which nobody learns what is hidden.
    pub fn id(&self) -> Id<Product> {
        self.product.id
    }

    /// Its description for who reads `language`, as HTML.
    pub(crate) fn description_html_in(&self, language: Language) -> &str {
        self.other_html.get(&language).unwrap_or(&self.description_html)
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> u64 {
        let product = &self.product;
        let texts = [
            product.description.len(),
            product.instructions.len(),
            product.summary.len(),
            self.description_html.len(),
            self.notes_html.len(),
            self.release.as_ref().map_or(0, |release| release.notes.len()),
        ];
        let others = product.texts.0.values().map(|other| {
            let texts = [&other.title, &other.summary, &other.description, &other.instructions];
            texts.into_iter().map(String::len).fold(256, usize::saturating_add)
        });
        let others = others.chain(self.other_html.values().map(String::len));
        let rows = [self.offers.len(), self.files.len(), product.pictures.len()];
        let texts = texts.into_iter().chain(others).fold(2048, usize::saturating_add);
        let bytes =
            rows.into_iter().fold(texts, |sum, rows| sum.saturating_add(rows.saturating_mul(256)));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Engine {
    /// The product at `slug` with all its parts, in whatever state.
    pub(crate) async fn parts(&self, slug: &str) -> Result<Option<Arc<Parts>>, Fault> {
        let now = self.now();
        if let Some(parts) = self.memory.product(slug, now) {
            return Ok(Some(parts));
        }
        loop {
            let epoch = self.memory.epoch();
            let Some(product) = self.store.product_by_slug(slug).await? else { return Ok(None) };
            let version = product.version;
            let parts = Arc::new(self.parts_of(product).await?);
            // Several reads, one product: it must not have changed between the first and the last.
            let same = self.store.product(parts.id()).await?.map(|product| product.version);
            if same == Some(version) {
                self.memory.remember_product(parts.clone(), epoch);
                return Ok(Some(parts));
            }
        }
    }

    /// A product with all that it would have if it were published now. Nothing remembers it.
    pub(super) async fn parts_if_published(&self, product: Product) -> Result<Parts, Fault> {
        let offers = self.store.offers_of(product.id).await?;
        let mut parts = self.parts_of(product).await?;
        let lacking = match parts.product.kind {
            ProductKind::Bundle => self.store.bundles_lacking(parts.id()).await?,
            ProductKind::Download | ProductKind::Service => Vec::new(),
        };
        let lacks = |offer: &Offer| lacking.iter().any(|lacking| lacking.id == offer.id);
        let open = |offer: &Offer| offer.retired_at.is_none() && !lacks(offer);
        parts.offers = offers.into_iter().filter(open).collect();
        let prices = parts.offers.iter().map(|offer| offer.price);
        let product = &mut parts.product;
        product.price_from = prices.clone().min();
        product.cheapest = prices.filter(|price| *price > Amount::ZERO).min();
        product.state = ProductState::Published;
        Ok(parts)
    }

    async fn parts_of(&self, product: Product) -> Result<Parts, Fault> {
        let mut offers = self.store.offers_of(product.id).await?;
        offers.retain(|offer| offer.current);
        let release = match product.release {
            Some(release) => self.store.release(release).await?,
            None => None,
        };
        let files = match &release {
            Some(release) => self.store.files_of(release.id).await?,
            None => Vec::new(),
        };
        let others = product.texts.0.iter().filter(|(_, texts)| !texts.description.is_empty());
        let html = |(language, texts): (&Language, &TextsIn)| {
            (*language, markdown::to_html(&texts.description))
        };
        Ok(Parts {
            other_html: others.map(html).collect(),
            description_html: markdown::to_html(&product.description),
            notes_html: markdown::to_html(release.as_ref().map_or("", |release| &release.notes)),
            product,
            offers,
            release,
            files,
        })
    }
}
