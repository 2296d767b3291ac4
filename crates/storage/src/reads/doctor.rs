//! What `doctor` asks of the books: probes, each one text valid on both databases.
//!
//! A probe lists rows as `(subject, expected, found)`; where the two differ, something is wrong. What is expected is what the
//! subject itself keeps (a counter, a sum, an amount), or what a rule wants of it; what is found is what the rows come to on
//! which it rests. Which of the two is right no probe knows. It is one statement, so it sees one state of the books and can run while others write. Sums follow
//! indices (a wallet's statement, an order's lines), so that no probe holds more than one account's
//! rows at a time.

mod accounts;
mod auto_top_ups;
mod catalog;
mod checkouts;
mod coupons;
mod credit_lines;
mod exchanges;
mod index;
mod letters;
mod license_changes;
mod licenses;
mod merchants;
mod money;
mod orders;
mod partners;
mod payment_methods;
mod purchase_requests;
mod refund_requests;
mod refunds;
mod report;
mod restores;
mod reversals;
mod staff;
mod statements;
mod vouchers;
mod webhooks;

use std::borrow::Cow;
use std::fmt;

use scrip_domain::Id;
use scrip_domain::id::Kind;
use scrip_domain::license::License;

use crate::fault::Fault;
use crate::store::{Pace, Store};

/// The most findings that a probe tells.
pub const MAX_FINDINGS: u32 = 10;

/// A question to the books.
#[derive(Debug)]
pub struct Probe {
    /// Its short name.
    pub name: &'static str,
    /// What holds when it finds nothing.
    pub proves: &'static str,
    /// How the thing that a row is about is called.
    subject: fn(u64) -> String,
    /// The table whose rows are counted as examined.
    counted: &'static str,
    /// Rows of `subject`, `expected`, `found`.
    pub(crate) rows: Cow<'static, str>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub subject: String,
    /// What the subject itself keeps, or a rule wants of it.
    pub expected: Option<i64>,
    /// What the rows come to on which it rests.
    pub found: Option<i64>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |number: Option<i64>| number.map_or("nothing".into(), |n| n.to_string());
        let (expected, found) = (shown(self.expected), shown(self.found));
        write!(f, "{}: {expected} expected, {found} found", self.subject)
    }
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// How many rows it went through.
    pub rows: u64,
    /// The first of what it found.
    pub findings: Vec<Finding>,
}

/// What PostgreSQL waits for before it acknowledges a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replication {
    /// Which standbys it waits for, as `synchronous_standby_names` has it; nobody when it is empty.
    pub awaited: String,
    /// How many of them are connected, as far as this user may see it.
    pub connected: i64,
    /// Whether it waits for its own disk.
    pub syncs: bool,
}

/// How many licenses are signed by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// The key's name.
    pub kid: String,
    /// How many licenses.
    pub licenses: u64,
    /// The oldest of them.
    pub first: Id<License>,
}

/// Every probe, in the order in which they are best read.
pub fn probes() -> Vec<Probe> {
    let mut probes = money::probes();
    probes.extend(vouchers::probes());
    probes.extend(reversals::probes());
    probes.extend(credit_lines::probes());
    probes.extend(auto_top_ups::probes());
    probes.extend(accounts::probes());
    probes.extend(payment_methods::probes());
    probes.extend(staff::probes());
    probes.extend(orders::probes());
    probes.extend(checkouts::probes());
    probes.extend(coupons::probes());
    probes.extend(licenses::probes());
    probes.extend(refunds::probes());
    probes.extend(refund_requests::probes());
    probes.extend(license_changes::probes());
    probes.extend(merchants::probes());
    probes.extend(purchase_requests::probes());
    probes.extend(restores::probes());
    probes.extend(exchanges::probes());
    probes.extend(partners::probes());
    probes.extend(statements::probes());
    probes.extend(index::probes());
    probes.extend(catalog::probes());
    probes.extend(webhooks::probes());
    probes.extend(letters::probes());
    probes.extend(report::probes());
    probes
}

impl Probe {
    /// The one text that counts the rows and tells the first findings.
    fn text(&self) -> String {
        let Self { counted, rows, .. } = self;
        format!(
            "SELECT (SELECT COUNT(*) FROM {counted}), f.subject,
                 CAST(f.expected AS BIGINT), CAST(f.found AS BIGINT)
             FROM (SELECT 1 AS one) o LEFT JOIN (
                 SELECT CAST(r.subject AS BIGINT) AS subject, r.expected, r.found FROM ({rows}) r
                 WHERE r.expected IS DISTINCT FROM r.found ORDER BY 1 LIMIT {MAX_FINDINGS}
             ) f ON TRUE"
        )
    }
}

impl Store {
    /// Puts one question to the books.
    pub async fn examine(&self, probe: &Probe) -> Result<Examined, Fault> {
        let rows = self.query_at(Pace::Long, "doctor", probe.text(), vec![], |cells| {
            Ok((cells.int()?, cells.int()?, cells.int()?, cells.int()?))
        });
        let rows = rows.await?;
        let count = rows.first().and_then(|(count, ..)| u64::try_from((*count)?).ok());
        let findings = rows.into_iter().filter_map(|(_, subject, expected, found)| {
            let subject = (probe.subject)(subject?.unsigned_abs());
            Some(Finding { subject, expected, found })
        });
        Ok(Examined { rows: count.unwrap_or(0), findings: findings.collect() })
    }

    /// What is wrong with a SQLite file itself, `most` at most: pages that are damaged, indices that do not agree with their
    /// rows. `None` where there is no such file.
    pub async fn damages(&self, most: u32) -> Result<Option<Vec<String>>, Fault> {
        if !self.is_sqlite() {
            return Ok(None);
        }
        let text = format!("PRAGMA integrity_check({most})");
        let lines = self.query_at(Pace::Long, "doctor", text, vec![], |cells| {
            Ok(cells.text()?.unwrap_or_default())
        });
        Ok(Some(lines.await?.into_iter().filter(|line| line != "ok").collect()))
    }

    /// How many pages a SQLite file has.
    pub async fn pages(&self) -> Result<u64, Fault> {
        let text = "PRAGMA page_count".to_owned();
        let pages = self
            .query_at(Pace::Long, "doctor", text, vec![], |cells| Ok(cells.int()?.unwrap_or(0)));
        Ok(pages.await?.first().and_then(|pages| u64::try_from(*pages).ok()).unwrap_or(0))
    }

    /// What PostgreSQL waits for before it acknowledges a commit. `None` on SQLite, which has one copy.
    pub async fn replication(&self) -> Result<Option<Replication>, Fault> {
        if self.is_sqlite() {
            return Ok(None);
        }
        // Settings and standbys are as this connection sees them; writers set `synchronous_commit` for themselves.
        let text = "SELECT current_setting('synchronous_standby_names'), (SELECT COUNT(*) FROM pg_stat_replication
                WHERE sync_state IN ('sync', 'quorum')), current_setting('fsync')";
        let rows = self.query_at(Pace::Long, "pg_settings", text.to_owned(), vec![], |cells| {
            let awaited = cells.text()?.unwrap_or_default();
            let connected = cells.int()?.unwrap_or(0);
            Ok(Replication { awaited, connected, syncs: cells.text()?.as_deref() != Some("off") })
        });
        Ok(rows.await?.pop())
    }

    /// The keys that sign the licenses in the books.
    pub async fn signing_keys(&self) -> Result<Vec<SignedBy>, Fault> {
        let text = "SELECT kid, COUNT(*), MIN(id) FROM licenses GROUP BY kid ORDER BY kid";
        self.query_at(Pace::Long, "licenses", text.to_owned(), vec![], |cells| {
            let kid = cells.text()?.ok_or_else(|| cells.corrupt())?;
            let licenses = cells.int()?.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            let first = cells.int()?.and_then(|n| Id::new(u64::try_from(n).ok()?));
            Ok(SignedBy { kid, licenses, first: first.ok_or_else(|| cells.corrupt())? })
        })
        .await
    }
}

/// The id of a `T`, as people know it.
fn named<T: Kind>(number: u64) -> String {
    Id::<T>::new(number).map_or_else(|| number.to_string(), |id| id.to_string())
}

/// For what is about no single row.
fn all_books(_: u64) -> String {
    "the books".to_owned()
}
