//! Lists of products: filtered, searched, sorted, a page at a time.
//!
//! A cursor carries the key of the last product that was shown, by a field that was shown with it,
//! and is good only for the list that it came from. By price a list has two runs: first what has a
//! price that is seen, then everything else, newest first, so that no order tells a hidden price.

use std::sync::Arc;

use scrip_domain::catalog::{Labels, Picture, Product, ProductKind};
use scrip_domain::gate::{GateRefusal, Standing};
use scrip_domain::language::Language;
use scrip_domain::listing::{self, Category, LabelKind};
use scrip_domain::settings::Vendor;
use scrip_domain::texts;
use scrip_domain::visibility::{FieldGroup, Visibility};
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::Fault;
use scrip_storage::reads::listing::{Eyes, Filter, Listed, Run};
use serde::{Deserialize, Serialize};

use super::view::{Hidden, Viewer, hidden};
use crate::memory::Member;
use crate::{Engine, Outcome};

/// How long a cursor is good.
const CURSOR: Span = Span::hours(24);

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Words to be found; blank for everything.
    pub q: Option<String>,
    /// Only this kind.
    pub kind: Option<ProductKind>,
    /// Only on this shelf.
    pub category: Option<String>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// The order.
    pub sort: Sort,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sort {
    /// Newest first.
    #[default]
    #[serde(rename = "newest")]
    Newest,
    /// By title.
    #[serde(rename = "title")]
    Title,
    /// Lowest price first.
    #[serde(rename = "price")]
    Price,
    /// Highest price first.
    #[serde(rename = "-price")]
    PriceDown,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What is on it.
    pub items: Arc<[Item]>,
    /// Where the next one begins, if there is one.
    pub next: Option<String>,
    /// The vendor, whose tokens the prices are in.
    pub vendor: Arc<Vendor>,
    /// Where whoever looks stands.
    pub standing: Standing,
}

/// A product on a list, without what is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name among ids.
    pub id: Id<Product>,
    /// Its name in addresses.
    pub slug: String,
    /// How it is received.
    pub kind: ProductKind,
    /// The language that it is in, where that is not the vendor's own.
    pub language: Option<Language>,
    /// Its title.
    pub title: String,
    /// Its summary.
    pub summary: String,
    /// Where it belongs.
    pub labels: Labels,
    /// What these labels are called.
    pub called: Labels,
    /// When it was entered.
    pub created_at: Timestamp,
    /// The lowest price; `None` when that is hidden, or when nothing is offered.
    pub price_from: Option<Amount>,
    /// Whether another of its offers costs more; said of no hidden price.
    pub varies: bool,
    /// Its pictures; `None` when they are hidden.
    pub pictures: Option<Vec<Picture>>,
    /// What is hidden.
    pub hidden: Vec<Hidden>,
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRefusal {
    /// The gate stays shut.
    Gate(GateRefusal),
    /// The cursor is not one of this list, or too old.
    BadCursor,
}

/// A page as it is remembered: the items, and behind which one the next page begins.
#[derive(Debug)]
pub(crate) struct Shown {
    items: Arc<[Item]>,
    next: Option<Cursor>,
}

/// The last product of a page, by the key of its order.
#[derive(Debug, Serialize, Deserialize)]
enum Cursor {
    #[serde(rename = "n")]
    Newest(u64),
    #[serde(rename = "t")]
    Title(String, u64),
    #[serde(rename = "p")]
    Price(u64, u64),
    #[serde(rename = "u")]
    Unpriced(u64),
    /// The first run is over, and the second has not begun.
    #[serde(rename = "s")]
    Second,
}

impl Engine {
    /// A page of what `member`, or a visitor, sees of `ask`, for who reads `language`. All visitors who read it see the
    /// same, so what a list of theirs begins with is read once, after the catalogue or the settings have changed.
    pub async fn list_products(
        &self,
        member: Option<&Member>,
        ask: &Ask,
        after: Option<&str>,
        limit: u32,
        language: Language,
    ) -> Outcome<Listing, ListRefusal> {
        let epoch = self.memory.epoch();
        let (vendor, viewer) = match self.viewer(member).await? {
            Ok(looking) => looking,
            Err(shut) => return Ok(Err(ListRefusal::Gate(shut))),
        };
        let standing = viewer.standing;
        let purpose = purpose(ask);
        let seal = |next: &Option<Cursor>| {
            next.as_ref().map(|cursor| self.seal(&purpose, cursor, self.now().plus(CURSOR)))
        };
        let everybodys = member.is_none() && ask.q.is_none() && after.is_none();
        let everybodys = everybodys.then(|| format!("{language} {limit} {purpose}"));
        if let Some(asked) = &everybodys
            && let Some(shown) = self.memory.first_page(asked, self.now())
        {
            let (items, next) = (shown.items.clone(), seal(&shown.next));
            return Ok(Ok(Listing { items, next, vendor, standing }));
        }
        let after = match after.map(|after| self.unseal::<Cursor>(&purpose, after)) {
            Some(None) => return Ok(Err(ListRefusal::BadCursor)),
            Some(cursor) => cursor,
            None => None,
        };
        let Some(run) = run(ask.sort, after) else { return Ok(Err(ListRefusal::BadCursor)) };
        let eyes = eyes(member, &viewer, vendor.settings.visibility);
        let Some(filter) = filter(ask) else {
            return Ok(Ok(Listing { items: Arc::default(), next: None, vendor, standing }));
        };
        let (rows, next) = self.page(&filter, &eyes, run, limit).await?;
        let visibility = vendor.settings.visibility;
        let items: Arc<[_]> =
            rows.into_iter().map(|row| item(row, viewer, visibility, language)).collect();
        let sealed = seal(&next);
        if let Some(asked) = everybodys.filter(|_| !items.is_empty()) {
            let shown = Arc::new(Shown { items: items.clone(), next });
            self.memory.remember_first_page(&asked, shown, epoch);
        }
        Ok(Ok(Listing { items, next: sealed, vendor, standing }))
    }

    /// The categories of what `standing` sees, in their order. Whoever stands alike sees the same ones, so they are read
    /// once for each standing, after the catalogue or the settings have changed.
    pub async fn categories(&self, standing: Standing) -> Result<Arc<[Category]>, Fault> {
        let now = self.now();
        if let Some(known) = self.memory.categories(standing, now) {
            return Ok(known);
        }
        let epoch = self.memory.epoch();
        let visibility = self.vendor().await?.settings.visibility;
        let needed = Visibility::default().needed(FieldGroup::Product, &visibility);
        let found: Arc<[Category]> = self.store.listed_categories(standing, needed).await?.into();
        self.memory.remember_categories(standing, found.clone(), epoch);
        Ok(found)
    }

    /// Published products with these words, for staff: newest first, at most `limit`.
    pub async fn find_products(&self, words: &str, limit: u32) -> Result<Vec<Item>, Fault> {
        let ask = Ask { q: Some(words.to_owned()), ..Ask::default() };
        let Some(filter) = filter(&ask) else { return Ok(Vec::new()) };
        let all = Viewer { standing: Standing::Funded, available: Some(Amount::MAX), owns: true };
        let eyes = eyes(None, &all, Visibility::default());
        let rows = self.store.listed_products(&filter, &eyes, &Run::Newest(None), limit).await?;
        // The staff knows them by the vendor's own names.
        let own = self.vendor().await?.settings.look.language;
        Ok(rows.into_iter().map(|row| item(row, all, Visibility::default(), own)).collect())
    }

    /// The rows of a page, over both runs if need be, and the cursor behind them.
    async fn page(
        &self,
        filter: &Filter,
        eyes: &Eyes,
        run: Run,
        limit: u32,
    ) -> Result<(Vec<Listed>, Option<Cursor>), Fault> {
        let full = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more than asked for tells whether there is a next page.
        let more = limit.saturating_add(1);
        let mut rows = self.store.listed_products(filter, eyes, &run, more).await?;
        if rows.len() > full {
            rows.truncate(full);
            let cursor = rows.last().map(|last| behind(&run, last));
            return Ok((rows, cursor));
        }
        if !matches!(run, Run::Cheapest(_) | Run::Dearest(_)) {
            return Ok((rows, None));
        }
        let second = Run::Unpriced(None);
        let left = u32::try_from(full.saturating_sub(rows.len())).unwrap_or(0);
        let mut rest =
            self.store.listed_products(filter, eyes, &second, left.saturating_add(1)).await?;
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let over = rest.len() > left;
        rest.truncate(left);
        let cursor = over.then(|| rest.last().map_or(Cursor::Second, |last| behind(&second, last)));
        rows.append(&mut rest);
        Ok((rows, cursor))
    }
}

/// What a cursor of this list is sealed for: it is good for no other.
fn purpose(ask: &Ask) -> String {
    // Plain data: serialization cannot fail.
    format!("products {}", serde_json::to_string(ask).unwrap_or_default())
}

/// Where the list goes on; `None` when the cursor is of another order.
fn run(sort: Sort, after: Option<Cursor>) -> Option<Run> {
    Some(match (sort, after) {
        (Sort::Newest, None) => Run::Newest(None),
        (Sort::Newest, Some(Cursor::Newest(id))) => Run::Newest(Some(Id::new(id)?)),
        (Sort::Title, None) => Run::Title(None),
        (Sort::Title, Some(Cursor::Title(title, id))) => Run::Title(Some((title, Id::new(id)?))),
        (Sort::Price, None) => Run::Cheapest(None),
        (Sort::Price, Some(Cursor::Price(price, id))) => {
            Run::Cheapest(Some((Amount::new(price)?, Id::new(id)?)))
        }
        (Sort::PriceDown, None) => Run::Dearest(None),
        (Sort::PriceDown, Some(Cursor::Price(price, id))) => {
            Run::Dearest(Some((Amount::new(price)?, Id::new(id)?)))
        }
        (Sort::Price | Sort::PriceDown, Some(Cursor::Unpriced(id))) => {
            Run::Unpriced(Some(Id::new(id)?))
        }
        (Sort::Price | Sort::PriceDown, Some(Cursor::Second)) => Run::Unpriced(None),
        _ => return None,
    })
}

/// The cursor behind `last` in `run`.
fn behind(run: &Run, last: &Listed) -> Cursor {
    let id = last.id.number();
    match run {
        Run::Newest(_) => Cursor::Newest(id),
        Run::Title(_) => Cursor::Title(last.sort_title.clone(), id),
        Run::Cheapest(_) | Run::Dearest(_) => {
            Cursor::Price(last.price_from.unwrap_or(Amount::ZERO).units(), id)
        }
        Run::Unpriced(_) => Cursor::Unpriced(id),
    }
}

fn eyes(member: Option<&Member>, viewer: &Viewer, vendor: Visibility) -> Eyes {
    let level = |group| Visibility::default().needed(group, &vendor);
    Eyes {
        standing: viewer.standing,
        account: member.map(|member| member.account.id),
        available: viewer.available.unwrap_or_default(),
        product: level(FieldGroup::Product),
        price: level(FieldGroup::Price),
        description: level(FieldGroup::Description),
    }
}

/// What the database is asked for; `None` when nothing can be found: a question without a word.
fn filter(ask: &Ask) -> Option<Filter> {
    let words = match ask.q.as_deref().map(str::trim) {
        None | Some("") => Vec::new(),
        Some(q) => Some(listing::asked(q)).filter(|words| !words.is_empty())?,
    };
    let label =
        |kind, label: &Option<String>| label.as_ref().map(|label| (kind, listing::sort_key(label)));
    // The tag first, which is the rarer: the first label is the one that is walked.
    let labels = [label(LabelKind::Tag, &ask.tag), label(LabelKind::Category, &ask.category)];
    let labels: Vec<_> = labels.into_iter().flatten().collect();
    // PostgreSQL has no text with NUL in it; no label has it either.
    if labels.iter().any(|(_, label)| label.contains('\0')) {
        return None;
    }
    Some(Filter { kind: ask.kind, labels, words })
}

/// The groups whose fields a list shows.
const GROUPS: [FieldGroup; 2] = [FieldGroup::Price, FieldGroup::Pictures];

fn item(row: Listed, viewer: Viewer, vendor: Visibility, language: Language) -> Item {
    let viewer = Viewer { owns: row.owned, ..viewer };
    let needed = |group| row.visibility.needed(group, &vendor);
    let sees = |group| viewer.sees(needed(group), row.cheapest);
    let mut hidden = hidden(&GROUPS, needed, sees);
    // A list has no other fields of these groups.
    hidden.iter_mut().for_each(|entry| {
        entry.fields.retain(|field| matches!(*field, "price_from" | "pictures"));
    });
    let other = row.titles.of(language);
    let called = other.map(|other| texts::called(&other.categories, &other.tags, &row.labels));
    Item {
        language: other.map(|_| language),
        title: texts::said(other.map(|other| &other.title), &row.title).to_owned(),
        summary: texts::said(other.map(|other| &other.summary), &row.summary).to_owned(),
        called: called.unwrap_or_else(|| row.labels.clone()),
        id: row.id,
        slug: row.slug,
        kind: row.kind,
        labels: row.labels,
        created_at: row.created_at,
        price_from: row.price_from.filter(|_| sees(FieldGroup::Price)),
        varies: row.varies && sees(FieldGroup::Price),
        pictures: sees(FieldGroup::Pictures).then_some(row.pictures),
        hidden,
    }
}
