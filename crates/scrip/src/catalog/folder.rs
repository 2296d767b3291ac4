//! Reads a folder: strictly, whole, and with every mistake named.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use scrip_domain::bundle::MOST_ITEMS;
use scrip_domain::catalog::{Labels, Picture, ProductKind, ProductState};
use scrip_domain::language::Language;
use scrip_domain::texts::{Texts, TextsIn};
use scrip_domain::visibility::{Level, Visibility};
use scrip_engine::catalog::Wrong;
use scrip_engine::catalog::offer::{self, OfferFields};
use scrip_engine::catalog::product::ProductFields;
use scrip_engine::catalog::release::{self, FileFields, ReleaseFields, STABLE};
use scrip_license::{Limits, RentalStart, Terms, Unit};
use toml::de::DeTable;

use super::cursor::{Desk, Table};
use super::goods::{self, Goods};
use super::{Catalog, FILE, Mistake, Mistakes, Offer, Product, Release, price};

/// Seconds of a day.
pub const DAY: u64 = 86_400;

/// The unit in which prices are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its code.
    pub code: String,
    /// Its decimals.
    pub scale: u8,
}

/// Reads the folder at `dir`, whose prices must be in `token`.
pub fn read(dir: &Path, token: &Token) -> Result<Catalog, Mistakes> {
    let whole = |text: String| {
        let mistake = Mistake { line: 0, key: String::new(), text };
        Mistakes { file: dir.join(FILE).display().to_string(), all: vec![mistake] }
    };
    let goods = Goods::open(dir).map_err(|error| whole(format!("cannot be read: {error}")))?;
    let source = goods.document(FILE).map_err(whole)?;
    let (document, errors) = DeTable::parse_recoverable(&source);
    let desk = Desk::new(&source, document.get_ref(), &errors);
    if !desk.is_clean() {
        // What follows a syntax error is guesswork, and would be reported as other mistakes.
        return Err(desk.mistakes());
    }
    let mut reader = Reader { desk: &desk, goods, token };
    let products = reader.catalog(Table::top(&desk, document.get_ref()));
    let objects = reader.goods.objects;
    if desk.is_clean() { Ok(Catalog { products, objects }) } else { Err(desk.mistakes()) }
}

struct Reader<'a> {
    desk: &'a Desk,
    goods: Goods,
    token: &'a Token,
}

impl<'a> Reader<'a> {
    fn catalog(&mut self, top: Table<'a>) -> Vec<Product> {
        let code = top.needed("token");
        if let Some(code) = code.filter(|code| *code != self.token.code) {
            let text = format!("is {code:?}, but this server's token is {}", self.token.code);
            top.mistake("token", text);
        }
        let mut slugs = BTreeSet::new();
        let mut products = Vec::new();
        for table in top.tables("products") {
            let slug = table.path.clone() + ".slug";
            let product = self.product(table);
            if !product.fields.slug.is_empty() && !slugs.insert(product.fields.slug.clone()) {
                self.desk.mistake(&slug, format!("{} is taken", product.fields.slug));
            }
            products.push(product);
        }
        top.finish();
        products
    }

    fn product(&mut self, table: Table<'a>) -> Product {
        let fields = ProductFields {
            slug: table.needed("slug").unwrap_or_default().to_owned(),
            kind: kind(&table),
            title: table.needed("title").unwrap_or_default().to_owned(),
            summary: table.text("summary").unwrap_or_default().to_owned(),
            description: self.page(&table, "description", "description_file"),
            labels: Labels { categories: table.texts("categories"), tags: table.texts("tags") },
            pictures: table.tables("pictures").into_iter().map(|one| self.picture(one)).collect(),
            visibility: table.table("visibility").map(visibility).unwrap_or_default(),
            instructions: self.page(&table, "instructions", "instructions_file"),
            texts: table.table("texts").map(|texts| self.texts(texts)).unwrap_or_default(),
        };
        let state = table.word("state", ProductState::ALL, ProductState::as_str);
        let offers = table.tables("offers").into_iter();
        let bundle = fields.kind == ProductKind::Bundle;
        let offers: Vec<Offer> = offers.map(|offer| self.offer(offer, bundle)).collect();
        let releases = table.tables("releases").into_iter();
        let releases: Vec<Release> = releases.map(|release| self.release(release)).collect();
        self.unique(&table, "offers", &offers, |offer: &Offer| offer.key.clone());
        self.unique(&table, "releases", &releases, |release: &Release| {
            format!("{} {}", release.channel, release.version)
        });
        if bundle && !releases.is_empty() {
            table.mistake("releases", "a bundle has no releases: what is in it has its own");
        }
        if fields.kind == ProductKind::Service && !releases.is_empty() {
            table.mistake(
                "releases",
                "a service has no releases: its instructions are what is sold",
            );
        }
        let path = table.path.clone();
        let complete = table.has("slug") && table.has("title") && table.has("kind");
        table.finish();
        let fields =
            if complete { self.checked(&path, fields, ProductFields::checked) } else { fields };
        Product { fields, state: state.unwrap_or(ProductState::Published), offers, releases }
    }

    /// Texts in further languages, a table for each.
    fn texts(&self, table: Table<'a>) -> Texts {
        let texts = Language::ALL.into_iter().filter_map(|language| {
            let of = table.table(language.tag())?;
            let texts = TextsIn {
                title: of.text("title").unwrap_or_default().to_owned(),
                summary: of.text("summary").unwrap_or_default().to_owned(),
                description: self.page(&of, "description", "description_file"),
                categories: of.texts("categories"),
                tags: of.texts("tags"),
                instructions: self.page(&of, "instructions", "instructions_file"),
            };
            of.finish();
            Some((language, texts))
        });
        let texts = Texts(texts.collect());
        table.finish();
        texts
    }

    fn picture(&mut self, table: Table<'a>) -> Picture {
        let path = table.needed("path").unwrap_or_default();
        let given = table.text("media_type").map(str::to_owned);
        let picture = Picture {
            alt: table.needed("alt").unwrap_or_default().to_owned(),
            object: self.object(&table, path),
            // Where there is no path, that is the mistake, and not what would follow from it.
            media_type: given.unwrap_or_else(|| match goods::media_type(path) {
                _ if path.is_empty() => "image/png".to_owned(),
                guess => guess.to_owned(),
            }),
        };
        table.finish();
        picture
    }

    fn offer(&mut self, table: Table<'a>, bundle: bool) -> Offer {
        let key = table.needed("key").unwrap_or_default().to_owned();
        if table.has("key")
            && let Err(wrong) = offer::checked_key(&key)
        {
            table.mistake("key", format!("must be {}", wrong.must));
        }
        let price = table.needed("price").unwrap_or("0");
        let price = price::parse(price, self.token.scale);
        let price = price.map_err(|text| table.mistake("price", text)).unwrap_or_default();
        let terms = table.table("terms").and_then(terms);
        let items = table.texts("items");
        if bundle && !(1..=MOST_ITEMS).contains(&items.len()) {
            let must =
                format!("must be 1 to {MOST_ITEMS} offers, each as \"product-slug/offer-key\"");
            table.mistake("items", must);
        }
        if !bundle && table.has("items") {
            table.mistake("items", "only a bundle has items");
        }
        if bundle && (table.has("limits") || terms.is_some_and(|terms| terms != Terms::Perpetual)) {
            table
                .mistake("terms", "must be left out, like limits: what is in a bundle has its own");
        }
        if !table.has("terms") && !bundle {
            table.mistake("terms", "is missing, for example { kind = \"perpetual\" }");
        }
        let limits = table.table("limits").map(limits).unwrap_or_default();
        let path = table.path.clone();
        table.finish();
        let fields = OfferFields { price, terms: terms.unwrap_or(Terms::Perpetual), limits };
        Offer { key, fields: self.checked(&path, fields, OfferFields::checked), items }
    }

    fn release(&mut self, table: Table<'a>) -> Release {
        let version = table.needed("version").unwrap_or_default().to_owned();
        let channel = table.text("channel").unwrap_or(STABLE).to_owned();
        let files: Vec<_> = table.tables("files").into_iter().map(|file| self.file(file)).collect();
        if files.is_empty() {
            table.mistake("files", "a release needs at least one file");
        }
        let fields = ReleaseFields {
            notes: self.page(&table, "notes", "notes_file"),
            files,
            publish: table.flag("published").unwrap_or(true),
        };
        if table.has("version")
            && let Err(wrong) = release::checked_name(&channel, &version)
        {
            table.mistake(&wrong.field, format!("must be {}", wrong.must));
        }
        let path = table.path.clone();
        table.finish();
        Release { channel, version, fields: self.checked(&path, fields, ReleaseFields::checked) }
    }

    fn file(&mut self, table: Table<'a>) -> FileFields {
        let path = table.needed("path").unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let name = table.text("name").unwrap_or(last).to_owned();
        let given = table.text("media_type").map(str::to_owned);
        let platform = table.text("platform").unwrap_or_default().to_owned();
        let sha256 = self.object(&table, path);
        table.finish();
        let media_type = given.unwrap_or_else(|| goods::media_type(&name).to_owned());
        FileFields { name, sha256, platform, media_type }
    }

    /// The digest of the file at the table's `path`.
    fn object(&mut self, table: &Table<'_>, path: &str) -> String {
        // A digest of nothing keeps the bounds' checks from blaming it a second time.
        let nothing = || "0".repeat(64);
        if path.is_empty() && !table.has("path") {
            return nothing();
        }
        let found = self.goods.object(path);
        found.map_err(|text| table.mistake("path", text)).unwrap_or_else(|()| nothing())
    }

    /// A long text, in the document or in a file.
    fn page(&self, table: &Table<'a>, inline: &'static str, file: &'static str) -> String {
        let here = table.text(inline);
        let Some(path) = table.text(file) else { return here.unwrap_or_default().to_owned() };
        if table.has(inline) {
            table.mistake(file, format!("is given together with {inline}: keep one of them"));
        }
        let text = self.goods.text(path);
        text.map_err(|text| table.mistake(file, text)).unwrap_or_default()
    }

    /// The value as the server will keep it, or a mistake at the field that is out of bounds.
    fn checked<T: Clone>(&self, path: &str, value: T, checked: fn(T) -> Result<T, Wrong>) -> T {
        checked(value.clone()).unwrap_or_else(|wrong| {
            self.desk
                .mistake(&format!("{path}.{}", wrong.field), format!("must be {}", wrong.must));
            value
        })
    }

    fn unique<T>(&self, table: &Table<'_>, list: &str, all: &[T], name: fn(&T) -> String) {
        let mut seen = BTreeSet::new();
        for (index, one) in all.iter().enumerate() {
            let name = name(one);
            if !seen.insert(name.clone()) {
                self.desk
                    .mistake(&format!("{}[{index}]", table.at(list)), format!("{name} is taken"));
            }
        }
    }
}

fn kind(table: &Table<'_>) -> ProductKind {
    if !table.has("kind") {
        table.mistake("kind", "is missing: download, service or bundle");
    }
    table.word("kind", ProductKind::ALL, ProductKind::as_str).unwrap_or(ProductKind::Download)
}

fn visibility(table: Table<'_>) -> Visibility {
    let level = |key| table.word(key, Level::ALL, Level::as_str);
    let visibility = Visibility {
        product: level("product"),
        price: level("price"),
        description: level("description"),
        pictures: level("pictures"),
        files: level("files"),
        release_notes: level("release_notes"),
    };
    table.finish();
    visibility
}

/// The kinds of terms, as the API names them.
const TERMS: &[&str] = &["perpetual", "rental", "uses", "processings", "trial"];

fn terms(table: Table<'_>) -> Option<Terms> {
    let kind = table.needed("kind")?;
    let terms = match kind {
        "perpetual" => Some(Terms::Perpetual),
        "rental" => {
            let from = table.word("from", STARTS, start_name).unwrap_or(RentalStart::Purchase);
            seconds(&table).map(|seconds| Terms::Rental { seconds, from })
        }
        "trial" => seconds(&table).map(|seconds| Terms::Trial { seconds }),
        "uses" => count(&table).map(|count| Terms::Uses { count }),
        "processings" => {
            let unit = table.text("unit").map(str::parse::<Unit>);
            if let Some(Err(error)) = unit {
                table.mistake("unit", error.to_string());
            }
            let unit = unit.and_then(Result::ok);
            count(&table).map(|count| Terms::Processings { count, unit })
        }
        _ => {
            table.mistake("kind", format!("{kind:?} is not one of {}", TERMS.join(", ")));
            return None;
        }
    };
    table.finish();
    terms
}

const STARTS: &[RentalStart] = &[RentalStart::Purchase, RentalStart::FirstActivation];

/// The word for what a rental's time counts from.
pub fn start_name(start: RentalStart) -> &'static str {
    match start {
        RentalStart::Purchase => "purchase",
        RentalStart::FirstActivation => "first_activation",
    }
}

/// A time, as `days` or as `seconds`.
fn seconds(table: &Table<'_>) -> Option<u64> {
    let (days, seconds) = (table.number::<u64>("days"), table.number("seconds"));
    match (table.has("days"), table.has("seconds")) {
        (true, false) => Some(days?.saturating_mul(DAY)),
        (false, true) => seconds,
        _ => {
            table.mistake("days", "give the time once, as days or as seconds");
            None
        }
    }
}

fn count(table: &Table<'_>) -> Option<u64> {
    if !table.has("count") {
        table.mistake("count", "is missing: how many times");
    }
    table.number("count")
}

fn limits(table: Table<'_>) -> Limits {
    let limits = Limits {
        machines: table.number("machines"),
        downloads: table.number("downloads"),
        moves: table.number("moves"),
        offline_days: table.number("offline_days"),
    };
    table.finish();
    limits
}

/// Whether `dir` is there and has nothing in it, or isn't there yet.
pub fn is_empty(dir: &Path) -> std::io::Result<bool> {
    match fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
