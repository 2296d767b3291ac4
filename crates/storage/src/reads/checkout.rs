//! Reads of a merchant: orders that are paid at a provider, and the buyers who come from there.

use scrip_domain::account::Account;
use scrip_domain::checkout::Checkout;
use scrip_domain::identity::{Identity, Visit};
use scrip_domain::order::Order;
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// How an order is paid at a provider, once its confirmation was asked for.
    pub async fn checkout(&self, order: Id<Order>) -> Result<Option<Checkout>, Fault> {
        self.row(r#"WHERE t."order" = $1"#, cells(&order)).await
    }

    /// The same of these orders.
    pub async fn checkouts_of(&self, orders: &[Id<Order>]) -> Result<Vec<Checkout>, Fault> {
        self.rows_in(r#""order""#, orders, "").await
    }

    /// The same by the provider's name of the purchase request.
    pub async fn checkout_by_request(&self, request: &str) -> Result<Option<Checkout>, Fault> {
        self.row("WHERE t.request = $1", cells(&request.to_owned())).await
    }

    /// Checkouts of which the provider is to be asked by `at`, the longest due first.
    pub async fn checkouts_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Checkout>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at LIMIT $2", values).await
    }

    /// A page of all checkouts, the newest orders first.
    pub async fn checkouts(&self, page: Page) -> Result<Vec<Checkout>, Fault> {
        let tail = r#"WHERE t."order" <= $1 ORDER BY t."order" DESC LIMIT $2"#;
        self.row_page(tail, page).await
    }

    /// Who a provider's buyer is here.
    pub async fn identity(&self, issuer: &str, subject: &str) -> Result<Option<Identity>, Fault> {
        let mut values = cells(&issuer.to_owned());
        values.extend(cells(&subject.to_owned()));
        self.row("WHERE t.issuer = $1 AND t.subject = $2", values).await
    }

    /// Which provider's buyer an account is.
    pub async fn identity_of(&self, account: Id<Account>) -> Result<Option<Identity>, Fault> {
        self.row("WHERE t.account = $1", cells(&account)).await
    }

    /// Visitors' keys of before `before`, the oldest first.
    pub async fn visits_before(&self, before: Timestamp, limit: u32) -> Result<Vec<Visit>, Fault> {
        let mut values = cells(&before);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.at < $1 ORDER BY t.at, t.key LIMIT $2", values).await
    }

    /// Drafts that nobody went on with, made before this one would be, the oldest first.
    pub async fn drafts_of_nobody(
        &self,
        before: Id<Order>,
        limit: u32,
    ) -> Result<Vec<Order>, Fault> {
        let mut values = cells(&before);
        values.push(Cell::Int(i64::from(limit)));
        let tail =
            "WHERE t.state = 'draft' AND t.account IS NULL AND t.id < $1 ORDER BY t.id LIMIT $2";
        self.rows(tail, values).await
    }

    /// What a visitor's key was used for.
    pub async fn visit(&self, key: u64) -> Result<Option<Visit>, Fault> {
        self.row("WHERE t.key = $1", cells(&key)).await
    }
}
