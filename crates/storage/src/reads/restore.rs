//! Reads about restores: which epoch it is, whom to ask, and what is listed.

use scrip_domain::checkout::Checkout;
use scrip_domain::order::Order;
use scrip_domain::restore::{Discrepancy, Epoch, Reunion};
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// The latest restore; none of a server that was never restored.
    pub async fn epoch(&self) -> Result<Option<Epoch>, Fault> {
        self.row("ORDER BY t.number DESC LIMIT 1", vec![]).await
    }

    /// What was heard of one peer after a restore.
    pub async fn reunion(&self, epoch: u32, peer: &str) -> Result<Option<Reunion>, Fault> {
        let values = [cells(&epoch), vec![Cell::text(peer.to_owned())]].concat();
        self.row("WHERE t.epoch = $1 AND t.peer = $2", values).await
    }

    /// What was heard of each peer after a restore.
    pub async fn reunions(&self, epoch: u32) -> Result<Vec<Reunion>, Fault> {
        self.rows("WHERE t.epoch = $1 ORDER BY t.peer", cells(&epoch)).await
    }

    /// The peers that are to be asked by `at`, the longest due first.
    pub async fn reunions_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Reunion>, Fault> {
        let values = [cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.peer LIMIT $2", values).await
    }

    /// A page of what the books lack, newest first.
    pub async fn discrepancies(&self, page: Page) -> Result<Vec<Discrepancy>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// How orders after this one are paid at a provider, in the order of their ids, if somebody has decided on them.
    pub async fn checkouts_from(
        &self,
        after: Id<Order>,
        limit: u32,
    ) -> Result<Vec<Checkout>, Fault> {
        let values = [cells(&after), vec![Cell::Int(i64::from(limit))]].concat();
        let tail =
            r#"WHERE t."order" > $1 AND t.confirmation IS NOT NULL ORDER BY t."order" LIMIT $2"#;
        self.rows(tail, values).await
    }
}
