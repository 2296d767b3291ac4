//! Reads about automatic top-ups.

use scrip_domain::account::Account;
use scrip_domain::auto_top_up::{AutoErrand, AutoTopUp};
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// What an account wants to be topped up by itself.
    pub async fn auto_top_up(&self, account: Id<Account>) -> Result<Option<AutoTopUp>, Fault> {
        self.row("WHERE t.account = $1", cells(&account)).await
    }

    /// Automatic top-ups that are to be looked after at `at`, the longest due first.
    pub async fn auto_errands_due(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<AutoErrand>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at LIMIT $2", values).await
    }
}
