//! Products: entered, changed, published, archived.

use scrip_domain::Timestamp;
use scrip_domain::audit::Act;
use scrip_domain::catalog::{Labels, Picture, Product, ProductKind, ProductState};
use scrip_domain::texts::Texts;
use scrip_domain::visibility::Visibility;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use super::held::{Held, Loaded, fits, keep};
use super::rules;
use super::{CatalogRefusal, Stop, Tries, Wrong};
use crate::audit::{Note, Staff, difference};
use crate::{Engine, Outcome};

/// What staff says of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFields {
    /// Its name in addresses.
    pub slug: String,
    /// How it is received.
    pub kind: ProductKind,
    /// 1 to 200 characters.
    pub title: String,
    /// At most 500 characters.
    pub summary: String,
    /// Markdown, at most 100 000 characters.
    pub description: String,
    /// At most 20 of each kind, each at most 40 characters.
    pub labels: Labels,
    /// At most 20.
    pub pictures: Vec<Picture>,
    /// Who sees what, where it differs from the vendor's settings.
    pub visibility: Visibility,
    /// What the buyer of a service is told with the code, Markdown, at most 20 000 characters.
    pub instructions: String,
    /// What it says in languages besides the vendor's own, within the same bounds.
    pub texts: Texts,
}

/// Whether something is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put<T> {
    /// It is new.
    Created(T),
    /// It was there, and is now as it was asked for.
    Kept(T),
}

impl<T> Put<T> {
    /// The thing.
    pub fn into_inner(self) -> T {
        match self {
            Self::Created(thing) | Self::Kept(thing) => thing,
        }
    }
}

impl ProductFields {
    /// What was said of a product.
    pub fn of(product: Product) -> Self {
        Self {
            slug: product.slug,
            kind: product.kind,
            title: product.title,
            summary: product.summary,
            description: product.description,
            labels: product.labels,
            pictures: product.pictures,
            visibility: product.visibility,
            instructions: product.instructions,
            texts: product.texts,
        }
    }

    /// The fields as they are kept, or what is out of its bounds first.
    pub fn checked(self) -> Result<Self, Wrong> {
        let labels = rules::labels(&self.labels)?;
        Ok(Self {
            texts: rules::texts(&self.texts, &labels)?,
            slug: rules::slug(&self.slug, "slug", 80)?,
            kind: self.kind,
            title: rules::line(&self.title, "title", 1, 200)?,
            summary: rules::line(&self.summary, "summary", 0, 500)?,
            description: rules::page(&self.description, "description", 100_000)?,
            labels,
            pictures: rules::pictures(&self.pictures)?,
            visibility: self.visibility,
            instructions: rules::page(&self.instructions, "instructions", 20_000)?,
        })
    }

    /// The product with these fields; what it has besides stays.
    fn on(&self, product: &Product) -> Product {
        let fields = self.clone();
        Product {
            slug: fields.slug,
            kind: fields.kind,
            title: fields.title,
            summary: fields.summary,
            description: fields.description,
            labels: fields.labels,
            pictures: fields.pictures,
            visibility: fields.visibility,
            instructions: fields.instructions,
            texts: fields.texts,
            ..*product
        }
    }
}

impl Engine {
    /// Enters a new product, as a draft.
    pub async fn create_product(
        &self,
        by: Staff,
        fields: ProductFields,
    ) -> Outcome<Product, CatalogRefusal> {
        let fields = match self.checked(fields).await? {
            Ok(fields) => fields,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_create(by, &fields).await) {
                return answer;
            }
        }
    }

    /// The fields as they are kept, or what is out of its bounds first, or not there.
    async fn checked(&self, fields: ProductFields) -> Outcome<ProductFields, Wrong> {
        let fields = match fields.checked() {
            Ok(fields) => fields,
            Err(wrong) => return Ok(Err(wrong)),
        };
        Ok(self.uploaded(&fields.pictures).await?.map(|()| fields))
    }

    async fn try_create(&self, by: Staff, fields: &ProductFields) -> Outcome<Product, Stop> {
        if self.store.product_by_slug(&fields.slug).await?.is_some() {
            return Ok(Err(CatalogRefusal::SlugTaken.into()));
        }
        if let Err(wrong) = self.in_further_languages(fields, None).await? {
            return Ok(Err(CatalogRefusal::Wrong(wrong).into()));
        }
        let (held, note) = (Held::new(self.mint()?), self.note(by)?);
        self.submit(PutProduct { held, note, fields: fields.clone() }).await
    }

    /// Makes the product at `slug` be like this: enters it as a draft, or changes it. Another slug
    /// among the fields renames it.
    pub async fn put_product(
        &self,
        by: Staff,
        slug: &str,
        fields: ProductFields,
    ) -> Outcome<Put<Product>, CatalogRefusal> {
        let fields = match self.checked(fields).await? {
            Ok(fields) => fields,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong))),
        };
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_put(by, slug, &fields, None).await) {
                return answer;
            }
        }
    }

    async fn try_put(
        &self,
        by: Staff,
        slug: &str,
        fields: &ProductFields,
        seen: Option<u64>,
    ) -> Outcome<Put<Product>, Stop> {
        let old = self.store.product_by_slug(slug).await?;
        if seen.is_some() && seen != old.as_ref().map(|old| old.version) {
            return Ok(Err(Stop::Stale));
        }
        if fields.slug != slug && self.is_taken(&fields.slug).await? {
            return Ok(Err(CatalogRefusal::SlugTaken.into()));
        }
        if let Err(wrong) = self.in_further_languages(fields, old.as_ref()).await? {
            return Ok(Err(CatalogRefusal::Wrong(wrong).into()));
        }
        if let Some(old) = &old
            && old.kind != fields.kind
            && [old.kind, fields.kind].contains(&ProductKind::Bundle)
            && !self.store.offers_of(old.id).await?.is_empty()
        {
            let must = "as it was: what ever had an offer becomes no bundle, nor was one";
            return Ok(Err(CatalogRefusal::Wrong(rules::wrong("kind", must)).into()));
        }
        let held = match &old {
            Some(product) => self.hold(product).await?,
            None => Held::new(self.mint()?),
        };
        let put = PutProduct { held, note: self.note(by)?, fields: fields.clone() };
        let product = self.submit(put).await?;
        Ok(product.map(if old.is_some() { Put::Kept } else { Put::Created }))
    }

    /// Changes some fields of the product at `slug` and leaves all others as they are, whoever changes those meanwhile.
    /// `change` is asked again when somebody was faster.
    pub async fn amend_product(
        &self,
        by: Staff,
        slug: &str,
        change: impl Fn(ProductFields) -> ProductFields,
    ) -> Outcome<Product, CatalogRefusal> {
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_amend(by, slug, &change).await) {
                return answer;
            }
        }
    }

    async fn try_amend(
        &self,
        by: Staff,
        slug: &str,
        change: impl Fn(ProductFields) -> ProductFields,
    ) -> Outcome<Product, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let seen = product.version;
        let fields = match self.checked(change(ProductFields::of(product))).await? {
            Ok(fields) => fields,
            Err(wrong) => return Ok(Err(CatalogRefusal::Wrong(wrong).into())),
        };
        Ok(self.try_put(by, slug, &fields, Some(seen)).await?.map(Put::into_inner))
    }

    /// A product's own texts are in the vendor's language: there are none beside them in it. What the product has since
    /// the vendor spoke another language may stay.
    async fn in_further_languages(
        &self,
        fields: &ProductFields,
        old: Option<&Product>,
    ) -> Outcome<(), Wrong> {
        let own = self.vendor().await?.settings.look.language;
        let new = fields.texts.of(own);
        if new.is_none() || new == old.and_then(|old| old.texts.of(own)) {
            return Ok(Ok(()));
        }
        let must = "another language than the vendor's: the product's own texts are in that";
        Ok(Err(rules::wrong(format!("texts.{own}"), must)))
    }

    async fn is_taken(&self, slug: &str) -> Result<bool, Fault> {
        Ok(self.store.product_by_slug(slug).await?.is_some())
    }

    /// Publishes or archives a product, with its offers. Doing it again changes nothing.
    pub async fn move_product(
        &self,
        by: Staff,
        slug: &str,
        to: ProductState,
    ) -> Outcome<Product, CatalogRefusal> {
        let mut tries = Tries::default();
        loop {
            if let Some(answer) = tries.settle(self.try_move(by, slug, to).await) {
                return answer;
            }
        }
    }

    async fn try_move(&self, by: Staff, slug: &str, to: ProductState) -> Outcome<Product, Stop> {
        let Some(product) = self.store.product_by_slug(slug).await? else {
            return Ok(Err(CatalogRefusal::NoSuchProduct.into()));
        };
        let held = match self.hold_all(&product).await? {
            Ok(held) => held,
            Err(stop) => return Ok(Err(stop)),
        };
        self.submit(MoveProduct { held, note: self.note(by)?, to }).await
    }
}

/// What staff enters of a product, for the record.
fn entered(product: &Product) -> Value {
    json!({
        "slug": product.slug,
        "kind": product.kind,
        "title": product.title,
        "summary": product.summary,
        "description": product.description,
        "categories": product.labels.categories,
        "tags": product.labels.tags,
        "pictures": product.pictures,
        "visibility": product.visibility,
        "instructions": product.instructions,
        "texts": product.texts,
    })
}

struct PutProduct {
    held: Held,
    note: Note,
    fields: ProductFields,
}

impl Command for PutProduct {
    type Receipt = Product;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Product, Stop>, Fault> {
        let loaded = match self.held.load(books)? {
            Ok(loaded) => loaded,
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let old = loaded.as_ref().map(|loaded| loaded.product.clone());
        let blank = Product {
            id: self.held.product,
            slug: String::new(),
            kind: self.fields.kind,
            state: ProductState::Draft,
            title: String::new(),
            summary: String::new(),
            description: String::new(),
            labels: Labels::default(),
            pictures: Vec::new(),
            visibility: Visibility::default(),
            instructions: String::new(),
            texts: Texts::default(),
            price_from: None,
            cheapest: None,
            release: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let product = self.fields.on(old.as_ref().unwrap_or(&blank));
        let mut changes = Changes::default();
        let new = match loaded {
            Some(loaded) => Loaded { product, ..loaded },
            None => Loaded::new(product),
        };
        let product = keep(books, &mut changes, old.as_ref(), new, at)?;
        if !changes.is_empty() {
            let act = if old.is_some() { Act::ProductChanged } else { Act::ProductEntered };
            let was = old.as_ref().map_or(Value::Null, entered);
            let what = difference(&was, &entered(&product));
            self.note.write(&mut changes, act, product.id, what, at);
        }
        Ok(Decision::done(product, changes))
    }
}

struct MoveProduct {
    held: Held,
    note: Note,
    to: ProductState,
}

impl Command for MoveProduct {
    type Receipt = Product;
    type Refusal = Stop;

    fn wants(&self, wants: &mut Wants) {
        self.held.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Product, Stop>, Fault> {
        let old = match self.held.load(books)? {
            Ok(Some(old)) => old,
            Ok(None) => return Ok(Decision::refused(Stop::Stale)),
            Err(stop) => return Ok(Decision::refused(stop)),
        };
        let from = old.product.state;
        // What was once for sale has owners, and is never a draft again.
        if self.to == ProductState::Draft && from != ProductState::Draft {
            return Ok(Decision::refused(CatalogRefusal::NotFrom(from).into()));
        }
        let product = old.product.clone();
        let moved = Loaded { product: Product { state: self.to, ..product.clone() }, ..old };
        let mut changes = Changes::default();
        let product = keep(books, &mut changes, Some(&product), moved, at)?;
        if !fits(&changes) {
            return Ok(Decision::refused(CatalogRefusal::TooManyBundles.into()));
        }
        let act = match self.to {
            ProductState::Published => Act::ProductPublished,
            ProductState::Archived => Act::ProductArchived,
            ProductState::Draft => Act::ProductChanged,
        };
        if !changes.is_empty() {
            let what = json!({ "state": { "from": from, "to": self.to } });
            self.note.write(&mut changes, act, product.id, what, at);
        }
        Ok(Decision::done(product, changes))
    }
}
