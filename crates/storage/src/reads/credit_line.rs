//! Reads about credit lines.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::credit_line::{CreditLine, Repayment};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// The credit line of an account; none before a limit was granted.
    pub async fn credit_line(&self, account: Id<Account>) -> Result<Option<CreditLine>, Fault> {
        self.row("WHERE t.account = $1", cells(&account)).await
    }

    /// The credit lines of these accounts, in no order.
    pub async fn credit_lines_of(
        &self,
        accounts: &[Id<Account>],
    ) -> Result<Vec<CreditLine>, Fault> {
        self.rows_in("account", accounts, "").await
    }

    /// A repayment.
    pub async fn repayment(&self, id: Id<Repayment>) -> Result<Option<Repayment>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an account's repayments, newest first.
    pub async fn repayments_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<Repayment>, Fault> {
        let mut values: Vec<Cell<'static>> = cells(&account);
        values.extend([page.highest(), page.limit()]);
        self.rows("WHERE t.account = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }
}
