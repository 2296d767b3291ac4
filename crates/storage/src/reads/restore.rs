//! Reads about restores: which epoch it is, whom to ask, and what is listed.

use scrip_domain::checkout::Checkout;
use scrip_domain::exchange::{Exchange, Incoming};
use scrip_domain::order::Order;
use scrip_domain::partner::Partner;
use scrip_domain::restore::{Discrepancy, Epoch, Reunion};
use scrip_domain::statement::Statement;
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

    /// The peers that are to be asked by `at`, partners before others, the longest due first.
    pub async fn reunions_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Reunion>, Fault> {
        let values = [cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.due_at <= $1 ORDER BY CASE t.kind WHEN 'partner' THEN 0 ELSE 1 END, t.due_at, t.peer LIMIT $2";
        self.rows(tail, values).await
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

    /// Exchanges of a partner's tokens after this one that it has committed, in the order of their names.
    pub async fn incoming_committed(
        &self,
        partner: Id<Partner>,
        after: Id<Exchange>,
        limit: u32,
    ) -> Result<Vec<Incoming>, Fault> {
        let mut values = [cells(&partner), cells(&after)].concat();
        values.push(Cell::Int(i64::from(limit)));
        let tail = r#"WHERE t.partner = $1 AND t.exchange > $2 AND t."commit" IS NOT NULL
            ORDER BY t.exchange LIMIT $3"#;
        self.rows(tail, values).await
    }

    /// Exchanges of our tokens with a partner after this one that are committed, in the order of their names.
    pub async fn exchanges_committed(
        &self,
        partner: Id<Partner>,
        after: Id<Exchange>,
        limit: u32,
    ) -> Result<Vec<Exchange>, Fault> {
        let mut values = [cells(&partner), cells(&after)].concat();
        values.push(Cell::Int(i64::from(limit)));
        let tail = r#"WHERE t.partner = $1 AND t.id > $2 AND t."commit" IS NOT NULL
            ORDER BY t.id LIMIT $3"#;
        self.rows(tail, values).await
    }

    /// Statements of a partner after this cycle that are not agreed, or were agreed, paid or given up since, in the order of
    /// their cycles.
    pub async fn statements_since(
        &self,
        partner: Id<Partner>,
        after: u32,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Statement>, Fault> {
        let mut values = [cells(&partner), cells(&after), cells(&since)].concat();
        values.push(Cell::Int(i64::from(limit)));
        let tail = "WHERE t.partner = $1 AND t.cycle > $2 AND (t.agreed_at IS NULL OR t.agreed_at >= $3
                OR t.state IN ('instructed', 'sent')
                OR EXISTS (SELECT 1 FROM settlements p WHERE p.statement = t.id AND p.ended_at >= $3))
            ORDER BY t.cycle LIMIT $4";
        self.rows(tail, values).await
    }
}
