//! Reads about licenses in use.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::catalog::Product;
use scrip_domain::license::License;
use scrip_domain::order::Order;
use scrip_domain::usage::{Activation, Lease, Usage};
use scrip_license::Digest;

use crate::fault::Fault;
use crate::index::{LICENSED, OWNED};
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// How much a license was used; `None` when nothing happened yet.
    pub async fn usage(&self, license: Id<License>) -> Result<Option<Usage>, Fault> {
        self.row("WHERE t.license = $1", cells(&license)).await
    }

    /// The same of the licenses on a page of an account's library.
    pub async fn usages_of(&self, account: Id<Account>, page: Page) -> Result<Vec<Usage>, Fault> {
        let values = [cells(&account), vec![page.highest(), page.limit()]].concat();
        let tail = format!(
            "WHERE t.license IN (SELECT b.target FROM by_account b
                 WHERE b.account = $1 AND b.kind IN ({OWNED}, {LICENSED}) AND b.target <= $2
                 ORDER BY b.target DESC LIMIT $3) ORDER BY t.license DESC"
        );
        self.rows(&tail, values).await
    }

    /// The products of the licenses on a page of an account's library, each once.
    pub async fn products_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<Product>, Fault> {
        let values = [cells(&account), vec![page.highest(), page.limit()]].concat();
        let tail = format!(
            "WHERE t.id IN (SELECT l.product FROM licenses l WHERE l.id IN (SELECT b.target FROM by_account b
                 WHERE b.account = $1 AND b.kind IN ({OWNED}, {LICENSED}) AND b.target <= $2
                 ORDER BY b.target DESC LIMIT $3)) ORDER BY t.id"
        );
        self.rows(&tail, values).await
    }

    /// A page of all licenses, newest first; of one account or one order only, where these are given.
    pub async fn licenses(
        &self,
        account: Option<Id<Account>>,
        order: Option<Id<Order>>,
        page: Page,
    ) -> Result<Vec<License>, Fault> {
        let (mut values, mut only) = (Vec::new(), String::new());
        if let Some(order) = order {
            values.extend(cells(&order));
            only.push_str(r#"t."order" = $1 AND "#);
        }
        if let Some(account) = account {
            values.extend(cells(&account));
            let listed = format!(
                "t.id IN (SELECT b.target FROM by_account b
                     WHERE b.account = ${} AND b.kind IN ({OWNED}, {LICENSED})) AND ",
                values.len()
            );
            only.push_str(&listed);
        }
        let (highest, limit) = (values.len().saturating_add(1), values.len().saturating_add(2));
        values.extend([page.highest(), page.limit()]);
        let tail = format!("WHERE {only}t.id <= ${highest} ORDER BY t.id DESC LIMIT ${limit}");
        self.rows(&tail, values).await
    }

    /// A machine of a license, also one that is no longer active.
    pub async fn activation(
        &self,
        license: Id<License>,
        machine: Digest,
    ) -> Result<Option<Activation>, Fault> {
        let values = [cells(&license), cells(&machine)].concat();
        self.row("WHERE t.license = $1 AND t.machine = $2", values).await
    }

    /// The machine of a license with this name.
    pub async fn activation_called(
        &self,
        license: Id<License>,
        id: Id<Activation>,
    ) -> Result<Option<Activation>, Fault> {
        let values = [cells(&license), cells(&id)].concat();
        self.row("WHERE t.license = $1 AND t.id = $2", values).await
    }

    /// A page of a license's active machines, the newest first.
    pub async fn activations_of(
        &self,
        license: Id<License>,
        page: Page,
    ) -> Result<Vec<Activation>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows(
            "WHERE t.license = $1 AND t.id <= $2 AND t.ended_at IS NULL ORDER BY t.id DESC LIMIT $3",
            values,
        )
        .await
    }

    /// A page of a license's leases that were not returned, also those that have ended, the newest first.
    pub async fn leases_out(&self, license: Id<License>, page: Page) -> Result<Vec<Lease>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows(
            "WHERE t.license = $1 AND t.id <= $2 AND t.returned_at IS NULL ORDER BY t.id DESC LIMIT $3",
            values,
        )
        .await
    }

    /// A lease of a license.
    pub async fn lease(&self, license: Id<License>, id: Id<Lease>) -> Result<Option<Lease>, Fault> {
        let values = [cells(&license), cells(&id)].concat();
        self.row("WHERE t.license = $1 AND t.id = $2", values).await
    }

    /// A page of a license's leases, the newest first.
    pub async fn leases_of(&self, license: Id<License>, page: Page) -> Result<Vec<Lease>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows("WHERE t.license = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }
}
