//! The library: what an account owns, as its owner looks for it.
//!
//! A library is read from its newest order on, a bounded number of them for each page: who looks for words gets what is
//! found among those, and where to look on.

use std::collections::BTreeSet;

use scrip_domain::Timestamp;
use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::{Id, license::License};
use scrip_license::Reason;
use scrip_storage::Fault;
use scrip_storage::reads::Page;

use crate::Engine;
use crate::license::{Standing, state_at};

/// How many licenses are read at a time.
const READ: u32 = 50;
/// How often, for one page.
const LOOKS: u32 = 10;

/// What is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Words of the product's title in any language, or the name of a license or order; blank for everything.
    pub words: &'a str,
    /// Only what has ended, or only what has not.
    pub ended: Option<bool>,
}

/// Something that is owned.
#[derive(Clone, Debug)]
pub struct Owned {
    /// The license, and how much it was used.
    pub standing: Standing,
    /// What it is of.
    pub product: Product,
}

/// A page of a library.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// What is on it, the newest first.
    pub things: Vec<Owned>,
    /// After which license the next page begins; `None` on the last one.
    pub next: Option<u64>,
}

impl Owned {
    /// Whether it can be used no more as it is: it is over, or used up.
    pub fn has_ended(&self, at: Timestamp) -> bool {
        let over = matches!(
            state_at(&self.standing.license, at),
            Reason::Expired | Reason::Revoked | Reason::Refunded
        );
        over || self.standing.left() == Some(0)
    }

    fn is_called(&self, words: &str) -> bool {
        let License { id, order, .. } = &self.standing.license;
        let Product { title, texts, .. } = &self.product;
        let titles = std::iter::once(title).chain(texts.0.values().map(|other| &other.title));
        let titles: Vec<_> = titles.map(|title| title.to_lowercase()).collect();
        let mut each = words.split_whitespace().map(str::to_lowercase);
        each.all(|word| {
            titles.iter().any(|title| title.contains(&word))
                || id.to_string() == word
                || order.to_string() == word
        })
    }

    fn is(&self, wanted: Wanted<'_>, at: Timestamp) -> bool {
        wanted.ended.is_none_or(|ended| ended == self.has_ended(at)) && self.is_called(wanted.words)
    }
}

impl Engine {
    /// At most `most` of what `account` owns and is `wanted`, from the license `after` on.
    pub async fn library(
        &self,
        account: Id<Account>,
        wanted: Wanted<'_>,
        mut after: Option<u64>,
        most: usize,
    ) -> Result<Shelf, Fault> {
        let now = self.now();
        let mut things = Vec::new();
        for _ in 0..LOOKS {
            let page = Page { after, limit: READ };
            let rows = self.store.licenses_of(account, page).await?;
            let full = u32::try_from(rows.len()).is_ok_and(|count| count == READ);
            let last = rows.last().map(|row| row.id);
            let products: BTreeSet<_> = rows.iter().map(|row| row.product).collect();
            let products: Vec<_> = products.into_iter().collect();
            let products = self.store.products_called(&products).await?;
            for standing in self.standings(rows).await? {
                let License { id, product, .. } = standing.license;
                let Some(product) = products.iter().find(|row| row.id == product) else {
                    return Err(Fault::Bug("a license is of no product".into()));
                };
                let owned = Owned { standing, product: product.clone() };
                if owned.is(wanted, now) {
                    things.push(owned);
                }
                after = Some(id.number());
                if things.len() >= most {
                    let more = full || last != Some(id);
                    return Ok(Shelf { things, next: after.filter(|_| more) });
                }
            }
            if !full {
                return Ok(Shelf { things, next: None });
            }
        }
        Ok(Shelf { things, next: after })
    }
}
