//! Reads about agreements.

use scrip_domain::agreement::Agreement;
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// An agreement.
    pub async fn agreement(&self, id: Id<Agreement>) -> Result<Option<Agreement>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These agreements, in no order.
    pub async fn agreements_called(&self, ids: &[Id<Agreement>]) -> Result<Vec<Agreement>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// The agreement whose proposal has this digest.
    pub async fn agreement_by_digest(&self, digest: [u8; 32]) -> Result<Option<Agreement>, Fault> {
        self.row("WHERE t.digest = $1", cells(&digest)).await
    }

    /// A page of all agreements, newest first.
    pub async fn agreements(&self, page: Page) -> Result<Vec<Agreement>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// The last agreements with a partner, the latest first.
    pub async fn agreements_of(
        &self,
        partner: Id<Partner>,
        limit: u32,
    ) -> Result<Vec<Agreement>, Fault> {
        let mut values = cells(&partner);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.partner = $1 ORDER BY t.version DESC, t.id DESC LIMIT $2", values).await
    }

    /// The agreements with a partner that are open, wait for their day, or are in force; the latest first.
    pub async fn agreements_alive(&self, partner: Id<Partner>) -> Result<Vec<Agreement>, Fault> {
        let tail = "WHERE t.partner = $1 AND t.state IN ('proposed', 'accepted')
            ORDER BY t.version DESC, t.id DESC";
        self.rows(tail, cells(&partner)).await
    }

    /// Agreements of which the partner is to be told at `at`, or the clock has changed something; the longest due first.
    pub async fn agreements_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Agreement>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }
}
