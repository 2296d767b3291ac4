//! Reads about orders, licenses and downloads.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::license::License;
use scrip_domain::order::{Line, LinePayment, Order};

use crate::fault::Fault;
use crate::index::{Download, LICENSED, ORDER, OWNED, Receipt};
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// An order.
    pub async fn order(&self, id: Id<Order>) -> Result<Option<Order>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an account's orders, newest first.
    pub async fn orders_of(&self, account: Id<Account>, page: Page) -> Result<Vec<Order>, Fault> {
        self.listed(account, ORDER, page).await
    }

    /// An order's lines, in order.
    pub async fn order_lines(&self, order: Id<Order>) -> Result<Vec<Line>, Fault> {
        self.rows(r#"WHERE t."order" = $1 ORDER BY t.id"#, cells(&order)).await
    }

    /// Which lots paid an order's lines.
    pub async fn line_payments(&self, order: Id<Order>) -> Result<Vec<LinePayment>, Fault> {
        self.rows(
            r#"JOIN order_lines l ON l.id = t.line WHERE l."order" = $1 ORDER BY t.line, t.lot"#,
            cells(&order),
        )
        .await
    }

    /// A license.
    pub async fn license(&self, id: Id<License>) -> Result<Option<License>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// An order's licenses, in order.
    pub async fn licenses_of_order(&self, order: Id<Order>) -> Result<Vec<License>, Fault> {
        self.rows(r#"WHERE t."order" = $1 ORDER BY t.id"#, cells(&order)).await
    }

    /// A page of an account's licenses, newest first.
    pub async fn licenses_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<License>, Fault> {
        let mut values = cells(&account);
        values.extend([page.highest(), page.limit()]);
        let tail = format!(
            "JOIN by_account b ON b.target = t.id
             WHERE b.account = $1 AND b.kind IN ({OWNED}, {LICENSED}) AND b.target <= $2
             ORDER BY b.target DESC LIMIT $3"
        );
        self.rows(&tail, values).await
    }

    /// An order's receipt, if one was issued.
    pub async fn receipt(&self, order: Id<Order>) -> Result<Option<Receipt>, Fault> {
        self.row(r#"WHERE t."order" = $1"#, cells(&order)).await
    }

    /// The finished downloads of a license, oldest first.
    pub async fn downloads_of(&self, license: Id<License>) -> Result<Vec<Download>, Fault> {
        self.rows("WHERE t.license = $1 ORDER BY t.at", cells(&license)).await
    }
}
