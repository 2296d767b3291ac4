//! Reads about partners.

use scrip_domain::partner::Partner;
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A partner.
    pub async fn partner(&self, id: Id<Partner>) -> Result<Option<Partner>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These partners, in no order.
    pub async fn partners_called(&self, ids: &[Id<Partner>]) -> Result<Vec<Partner>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// The partner with this address.
    pub async fn partner_by_url(&self, url: &str) -> Result<Option<Partner>, Fault> {
        self.row("WHERE t.url = $1", vec![Cell::text(url.to_owned())]).await
    }

    /// A page of all partners, newest first.
    pub async fn partners(&self, page: Page) -> Result<Vec<Partner>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A page of the partners with which buyers can exchange now, newest first.
    pub async fn open_partners(&self, page: Page) -> Result<Vec<Partner>, Fault> {
        let open = "t.agreement IS NOT NULL AND t.suspended IS NULL AND t.suspended_there = 0";
        let tail = format!("WHERE {open} AND t.id <= $1 ORDER BY t.id DESC LIMIT $2");
        self.row_page(&tail, page).await
    }

    /// Partners that are to be told at `at` whether we exchange with them, the longest due first.
    pub async fn partners_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Partner>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }
}
