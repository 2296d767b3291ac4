//! The list of what is for sale, filtered, searched and sorted, a page at a time.
//!
//! Whoever may not see something meets no trace of it: who may not see a product does not find it,
//! who may not see a description finds nothing by its words, and who may not see a price does not
//! learn it from the order of a list. Pages continue behind a key, never at a number of rows, so
//! the thousandth costs what the first did.

use scrip_domain::account::Account;
use scrip_domain::catalog::{Labels, Picture, Product, ProductKind};
use scrip_domain::gate::Standing;
use scrip_domain::listing::{Category, LabelKind};
use scrip_domain::texts::Titles;
use scrip_domain::visibility::{Level, Visibility};
use scrip_domain::{Amount, Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::index::{LICENSED, OWNED};
use crate::store::Store;

/// How many products of a list are looked at for words before these are looked up: a page of what
/// every tenth product has, and a few milliseconds.
const PEEK: u32 = 300;

/// How words are found.
#[derive(Clone, Copy)]
enum Search {
    None,
    Sqlite,
    /// In the first products of the list.
    Peek,
    /// By the index of words.
    Postgres,
}

/// A parameter as what `PostgreSQL` searches by.
const QUERY: &str = "CAST(CAST({} AS TEXT) AS tsquery)";

/// The words, all of them, the last as a beginning. They are letters and digits only.
fn tsquery(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("{}:*", quoted.join(" & "))
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this kind.
    pub kind: Option<ProductKind>,
    /// Only what carries all of these labels (folded).
    pub labels: Vec<(LabelKind, String)>,
    /// Only what has all of these words (folded); the last may be the beginning of one.
    pub words: Vec<String>,
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eyes {
    /// Where they stand.
    pub standing: Standing,
    /// Whose licenses show what is hidden from others; `None` for a visitor.
    pub account: Option<Id<Account>>,
    /// What they can spend.
    pub available: Amount,
    /// What sees a product that does not say otherwise.
    pub product: Level,
    /// What sees such a product's price.
    pub price: Level,
    /// What sees such a product's description.
    pub description: Level,
}

/// The order of a list, and the key behind which it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Newest first, below this one.
    Newest(Option<Id<Product>>),
    /// By title, behind this one.
    Title(Option<(String, Id<Product>)>),
    /// Those whose price is seen, lowest first.
    Cheapest(Option<(Amount, Id<Product>)>),
    /// Those whose price is seen, highest first.
    Dearest(Option<(Amount, Id<Product>)>),
    /// Those whose price is not seen, newest first: nothing tells where a price would stand.
    Unpriced(Option<Id<Product>>),
}

/// A product, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The product.
    pub id: Id<Product>,
    /// Its name in addresses.
    pub slug: String,
    /// Its kind.
    pub kind: ProductKind,
    /// Its title.
    pub title: String,
    /// Its summary.
    pub summary: String,
    /// Where it belongs.
    pub labels: Labels,
    /// What it says of all that in further languages.
    pub titles: Titles,
    /// Its pictures.
    pub pictures: Vec<Picture>,
    /// Who sees what.
    pub visibility: Visibility,
    /// The lowest price of its offers.
    pub price_from: Option<Amount>,
    /// Whether another of them costs more.
    pub varies: bool,
    /// The balance that covers it.
    pub cheapest: Option<Amount>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// Its place in an alphabetical list.
    pub sort_title: String,
    /// Whether the account that looks has a license of it.
    pub owned: bool,
}

impl Store {
    /// At most `limit` products of `filter` that `eyes` see, in the order of `run`.
    pub async fn listed_products(
        &self,
        filter: &Filter,
        eyes: &Eyes,
        run: &Run,
        limit: u32,
    ) -> Result<Vec<Listed>, Fault> {
        let search = match (filter.words.is_empty(), self.is_sqlite()) {
            (true, _) => Search::None,
            (false, true) => Search::Sqlite,
            (false, false) => {
                // Its index of words has no order, so what has a word must all be found and sorted:
                // cheap for a rare word. A common one fills the page from the first few products.
                let (text, cells) = text(filter, eyes, run, limit, Search::Peek);
                let page = self.query("products", text, cells, read).await?;
                if u32::try_from(page.len()).is_ok_and(|found| found == limit) {
                    return Ok(page);
                }
                Search::Postgres
            }
        };
        let (text, cells) = text(filter, eyes, run, limit, search);
        self.query("products", text, cells, read).await
    }
}

/// How many categories are looked at.
const SHELVES: u32 = 60;
/// How many products of a category are looked at, newest first, for one that is seen.
const LOOK: u32 = 500;

impl Store {
    /// The first 60 categories, as they are written, that hold a product which this standing sees; `product` is what sees
    /// one that does not say otherwise. What only a license or a balance shows is not looked for: whoever stands alike
    /// sees the same categories. One whose newest 500 products are all hidden is left out, so that the cost has a bound.
    pub async fn listed_categories(
        &self,
        standing: Standing,
        product: Level,
    ) -> Result<Vec<Category>, Fault> {
        let sees = standing_sees("t.see_product", product, standing);
        let kind = LabelKind::Category;
        // From one name to the next by the index, however many products each has.
        let text = format!(
            "WITH RECURSIVE names(label, place) AS (
                 SELECT (SELECT MIN(l.label) FROM labelled l WHERE l.kind = '{kind}'), 1
                 UNION ALL
                 SELECT (SELECT MIN(l.label) FROM labelled l WHERE l.kind = '{kind}' AND l.label > n.label), n.place + 1
                 FROM names n WHERE n.label IS NOT NULL AND n.place < {SHELVES}
             )
             SELECT n.label, p.labels, p.texts FROM names n CROSS JOIN products p
             WHERE p.id = (
                 SELECT w.product FROM (
                     SELECT c.product FROM labelled c WHERE c.kind = '{kind}' AND c.label = n.label
                     ORDER BY c.product DESC LIMIT {LOOK}
                 ) w CROSS JOIN listings t WHERE t.product = w.product AND {sees}
                 ORDER BY w.product DESC LIMIT 1
             )
             ORDER BY n.place"
        );
        self.query("products", text, Vec::new(), category).await
    }
}

/// The category as the product that was found writes it.
fn category(cells: &mut Reader<'_>) -> Result<Category, Fault> {
    let label = String::read(cells)?.ok_or_else(|| cells.corrupt())?;
    let labels = Labels::read(cells)?.ok_or_else(|| cells.corrupt())?;
    let titles = Titles::read(cells)?.ok_or_else(|| cells.corrupt())?;
    Ok(Category::of(&label, &labels, &titles))
}

fn read(cells: &mut Reader<'_>) -> Result<Listed, Fault> {
    fn some<F: Field>(cells: &mut Reader<'_>) -> Result<F, Fault> {
        F::read(cells)?.ok_or_else(|| cells.corrupt())
    }
    Ok(Listed {
        id: some(cells)?,
        slug: some(cells)?,
        kind: some(cells)?,
        title: some(cells)?,
        summary: some(cells)?,
        labels: some(cells)?,
        titles: some(cells)?,
        pictures: some(cells)?,
        visibility: some(cells)?,
        price_from: Amount::read(cells)?,
        varies: some(cells)?,
        cheapest: Amount::read(cells)?,
        created_at: some(cells)?,
        sort_title: some(cells)?,
        owned: some(cells)?,
    })
}

/// The statement of one page: the keys of its rows from the index tables, then the products.
fn text(
    filter: &Filter,
    eyes: &Eyes,
    run: &Run,
    limit: u32,
    search: Search,
) -> (String, Vec<Cell<'static>>) {
    let mut text = Text::default();
    let owned = match eyes.account {
        Some(account) => format!("CASE WHEN {} THEN 1 ELSE 0 END", text.owned(account, "p.id")),
        None => "0".to_owned(),
    };
    let (order, outer) = match run {
        Run::Newest(_) | Run::Unpriced(_) => ("product DESC", "f.product DESC"),
        Run::Title(_) => ("title, product", "f.title, f.product"),
        Run::Cheapest(_) => ("price, product", "f.price, f.product"),
        Run::Dearest(_) => ("price DESC, product DESC", "f.price DESC, f.product DESC"),
    };
    let keys = match search {
        Search::None => browse(&mut text, filter, eyes, run),
        Search::Peek => peek_postgres(&mut text, filter, eyes, run, order),
        Search::Postgres => search_postgres(&mut text, filter, eyes, run),
        Search::Sqlite => search_sqlite(&mut text, filter, eyes, run),
    };
    let limit = text.cell(Cell::Int(i64::from(limit)));
    let varies = "CASE WHEN EXISTS (SELECT 1 FROM offers o
                 WHERE o.product = p.id AND o.current = 1 AND o.price > p.price_from) THEN 1 ELSE 0 END";
    // The comma-less CROSS JOINs keep SQLite to the order in which tables are named.
    let text_of = format!(
        "SELECT p.id, p.slug, p.kind, p.title, p.summary, p.labels, p.texts, p.pictures, p.visibility,
             p.price_from, CAST({varies} AS BIGINT), p.cheapest, p.created_at, f.title, CAST({owned} AS BIGINT)
         FROM ({keys} ORDER BY {order} LIMIT {limit}) f CROSS JOIN products p
         WHERE p.id = f.product ORDER BY {outer}"
    );
    (text_of, text.cells)
}

/// Without words: from the list, or from the first label, whichever carries the order.
fn browse(text: &mut Text, filter: &Filter, eyes: &Eyes, run: &Run) -> String {
    let Some(((kind, label), others)) = filter.labels.split_first() else {
        let conditions = text.conditions(filter.kind, &[], eyes, run, "t");
        return format!(
            "SELECT t.product AS product, t.title AS title, t.price AS price
             FROM listings t WHERE {conditions}"
        );
    };
    let label = text.cell(Cell::Text(label.clone().into()));
    let conditions = text.conditions(filter.kind, others, eyes, run, "c");
    format!(
        "SELECT c.product AS product, c.title AS title, c.price AS price
         FROM labelled c CROSS JOIN listings t
         WHERE c.kind = '{kind}' AND c.label = {label} AND t.product = c.product AND {conditions}"
    )
}

/// The first products of the list without words, each looked at for the words. Nothing that is
/// estimated of the words can change that: the OFFSET keeps the planner from another way.
fn peek_postgres(text: &mut Text, filter: &Filter, eyes: &Eyes, run: &Run, order: &str) -> String {
    let list = browse(text, filter, eyes, run);
    let query = text.cell(Cell::Text(tsquery(&filter.words).into()));
    let query = QUERY.replace("{}", &query);
    let description = text.sees("t.see_description", eyes.description, eyes);
    format!(
        "SELECT w.product, w.title, w.price FROM ({list} ORDER BY {order} LIMIT {PEEK}) w
         CROSS JOIN LATERAL (SELECT 1 FROM listings t WHERE t.product = w.product
             AND t.search_all @@ {query} AND ({description} OR t.search_words @@ {query}) OFFSET 0) found"
    )
}

/// What has the words is found first, all of it, and sorted then.
fn search_postgres(text: &mut Text, filter: &Filter, eyes: &Eyes, run: &Run) -> String {
    let query = text.cell(Cell::Text(tsquery(&filter.words).into()));
    let query = QUERY.replace("{}", &query);
    let description = text.sees("t.see_description", eyes.description, eyes);
    let conditions = text.conditions(filter.kind, &filter.labels, eyes, run, "t");
    format!(
        "WITH t AS MATERIALIZED (SELECT * FROM listings l WHERE l.search_all @@ {query})
         SELECT t.product AS product, t.title AS title, t.price AS price FROM t
         WHERE ({description} OR t.search_words @@ {query}) AND {conditions}"
    )
}

/// Two ways of finding that share no product: by all words where the description is seen, and by
/// the others where it is not. Each comes in the index's own order, so a page ends early.
fn search_sqlite(text: &mut Text, filter: &Filter, eyes: &Eyes, run: &Run) -> String {
    let quoted: Vec<String> = filter.words.iter().map(|word| format!("\"{word}\"")).collect();
    let words = format!("{} *", quoted.join(" AND "));
    let mut arm = |query: String, sees: bool| {
        let query = text.cell(Cell::Text(query.into()));
        let description = text.sees("t.see_description", eyes.description, eyes);
        let description = if sees { description } else { format!("NOT {description}") };
        let conditions = text.conditions(filter.kind, &filter.labels, eyes, run, "t");
        format!(
            "SELECT search.rowid AS product, t.title AS title, t.price AS price
             FROM search CROSS JOIN listings t
             WHERE search MATCH {query} AND t.product = search.rowid AND {description}
                 AND {conditions}"
        )
    };
    let all = arm(words.clone(), true);
    let open = arm(format!("words : ({words})"), false);
    format!("{all} UNION ALL {open}")
}

/// The condition that whoever stands so sees what needs the level in `column`, or `vendor`'s without one, whatever they own
/// or can spend. It is never NULL.
fn standing_sees(column: &str, vendor: Level, standing: Standing) -> String {
    let below = match standing {
        Standing::Visitor => Level::Visitor,
        Standing::Member => Level::Member,
        Standing::Funded => Level::Funded,
    };
    format!("COALESCE({column}, {}) <= {}", vendor.rank(), below.rank())
}

/// A statement in the making: every value that comes from outside is a parameter.
#[derive(Default)]
struct Text {
    cells: Vec<Cell<'static>>,
}

impl Text {
    /// A further parameter; numbered in the order in which they stand in the text.
    fn cell(&mut self, cell: Cell<'static>) -> String {
        self.cells.push(cell);
        format!("${}", self.cells.len())
    }

    fn id(&mut self, id: Id<Product>) -> String {
        self.cell(Cell::number(id.number()))
    }

    fn amount(&mut self, amount: Amount) -> String {
        self.cell(Cell::number(amount.units()))
    }

    /// Everything that a row must fulfil. The columns of the order are those of `o`.
    fn conditions(
        &mut self,
        kind: Option<ProductKind>,
        labels: &[(LabelKind, String)],
        eyes: &Eyes,
        run: &Run,
        o: &str,
    ) -> String {
        let mut conditions = vec![self.sees("t.see_product", eyes.product, eyes)];
        if let Some(kind) = kind {
            conditions.push(format!("t.kind = '{kind}'"));
        }
        for (kind, label) in labels {
            let label = self.cell(Cell::Text(label.clone().into()));
            // The OFFSET keeps it a look-up per row: joined the other way round, because of a wrong
            // estimate, it took PostgreSQL seconds.
            conditions.push(format!(
                "EXISTS (SELECT 1 FROM labelled l WHERE l.product = t.product
                     AND l.kind = '{kind}' AND l.label = {label} LIMIT 1 OFFSET 0)"
            ));
        }
        match run {
            Run::Newest(_) | Run::Title(_) => {}
            Run::Cheapest(_) | Run::Dearest(_) => {
                conditions.push(format!("{o}.price IS NOT NULL"));
                conditions.push(self.sees("t.see_price", eyes.price, eyes));
            }
            Run::Unpriced(_) => {
                let sees = self.sees("t.see_price", eyes.price, eyes);
                conditions.push(format!("NOT (t.price IS NOT NULL AND {sees})"));
            }
        }
        conditions.extend(self.behind(run, o));
        conditions.join(" AND ")
    }

    /// The condition that a row comes behind the last page.
    fn behind(&mut self, run: &Run, o: &str) -> Option<String> {
        match run {
            Run::Newest(after) | Run::Unpriced(after) => {
                let id = self.id((*after)?);
                Some(format!("{o}.product < {id}"))
            }
            Run::Title(after) => {
                let (title, id) = after.clone()?;
                let (title, id) = (self.cell(Cell::Text(title.into())), self.id(id));
                Some(format!("({o}.title, {o}.product) > ({title}, {id})"))
            }
            Run::Cheapest(after) => {
                let (price, id) = (*after)?;
                let (price, id) = (self.amount(price), self.id(id));
                Some(format!("({o}.price, {o}.product) > ({price}, {id})"))
            }
            Run::Dearest(after) => {
                let (price, id) = (*after)?;
                let (price, id) = (self.amount(price), self.id(id));
                Some(format!("({o}.price, {o}.product) < ({price}, {id})"))
            }
        }
    }

    /// The condition that `eyes` see what needs the level in `column`, or `vendor`'s without one.
    /// It is never NULL, so it may be negated. The same as [`Standing::sees`], for what is owned too.
    fn sees(&mut self, column: &str, vendor: Level, eyes: &Eyes) -> String {
        let needed = format!("COALESCE({column}, {})", vendor.rank());
        let mut ways = vec![standing_sees(column, vendor, eyes.standing)];
        if eyes.standing != Standing::Visitor {
            let available = self.amount(eyes.available);
            ways.push(format!(
                "({needed} = {} AND COALESCE(t.cheapest, 0) <= {available})",
                Level::Covered.rank()
            ));
        }
        if let Some(account) = eyes.account {
            ways.push(self.owned(account, "t.product"));
        }
        format!("({})", ways.join(" OR "))
    }

    /// The condition that `account` has a license of the product in `column`.
    fn owned(&mut self, account: Id<Account>, column: &str) -> String {
        let account = self.cell(Cell::number(account.number()));
        format!(
            "EXISTS (SELECT 1 FROM by_account b
                 WHERE b.account = {account} AND b.kind IN ({OWNED}, {LICENSED}) AND b.key = {column})"
        )
    }
}
