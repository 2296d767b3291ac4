//! Reads about licenses in use.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::license::License;
use scrip_domain::order::Order;
use scrip_domain::usage::{Activation, Lease, Usage};
use scrip_license::Digest;

use crate::fault::Fault;
use crate::fields::Field;
use crate::index::ORDERS;
use crate::reads::{Page, cells, listed};
use crate::store::Store;

/// How many orders are looked through at a time for licenses, at least: there are some without any.
const LOOK: u32 = 50;

impl Store {
    /// How much a license was used; `None` when nothing happened yet.
    pub async fn usage(&self, license: Id<License>) -> Result<Option<Usage>, Fault> {
        self.row("WHERE t.license = $1", cells(&license)).await
    }

    /// The licenses with these names.
    pub async fn licenses_called(&self, ids: &[Id<License>]) -> Result<Vec<License>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// How much these licenses were used, of those with which anything happened yet.
    pub async fn usages_of(&self, licenses: &[Id<License>]) -> Result<Vec<Usage>, Fault> {
        self.rows_in("license", licenses, "").await
    }

    /// A page of an account's licenses, those of its newest order first, and of one order the newest first.
    ///
    /// The index lists licenses by product, so the page goes over the orders, which it lists by number.
    pub async fn licenses_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<License>, Fault> {
        let mut orders = Page { after: None, limit: page.limit.max(LOOK) };
        if let Some(after) = page.after {
            let last = match Id::new(after) {
                Some(last) => self.license(last).await?,
                None => None,
            };
            let Some(last) = last.filter(|last| last.account == account) else {
                return Ok(Vec::new());
            };
            // The page before has ended within this order, or with it.
            orders.after = Some(last.order.number().saturating_add(1));
        }
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let (mut licenses, mut within) = (Vec::new(), page);
        loop {
            licenses.extend(self.licenses_listed(account, orders, within).await?);
            within.after = None;
            if licenses.len() >= wanted {
                break;
            }
            orders.after = self.last_order(account, orders).await?;
            if orders.after.is_none() {
                break;
            }
        }
        licenses.truncate(wanted);
        Ok(licenses)
    }

    /// The licenses of a page of an account's orders: of the first of these only those of the page `within`, and no more
    /// than that has.
    async fn licenses_listed(
        &self,
        account: Id<Account>,
        orders: Page,
        within: Page,
    ) -> Result<Vec<License>, Fault> {
        let mut values = cells(&account);
        values.extend([orders.highest(), orders.limit(), within.highest(), within.limit()]);
        let tail = format!(
            r#"JOIN (SELECT l.id FROM ({}) n JOIN licenses l ON l."order" = n.target
                 WHERE n.target < $2 OR l.id <= $4 ORDER BY n.target DESC, l.id DESC LIMIT $5) m ON m.id = t.id
             ORDER BY t."order" DESC, t.id DESC"#,
            listed(&ORDERS, "<=", "DESC")
        );
        self.rows(&tail, values).await
    }

    /// The number of the last order on a full page of an account's orders; `None` when there are no further ones.
    async fn last_order(&self, account: Id<Account>, page: Page) -> Result<Option<u64>, Fault> {
        let mut values = cells(&account);
        values.extend([page.highest(), page.limit()]);
        let text = listed(&ORDERS, "<=", "DESC");
        let orders = self.query("by_account", text, values, |cells| {
            <Id<Order>>::read(cells)?.ok_or_else(|| cells.corrupt())
        });
        let orders = orders.await?;
        let full = u32::try_from(orders.len()).is_ok_and(|count| count == page.limit);
        Ok(orders.last().filter(|_| full).map(|order| order.number()))
    }

    /// A page of all licenses, newest first; of one order only, where it is given. Those of one account as
    /// [`Store::licenses_of`] has them.
    pub async fn licenses(
        &self,
        account: Option<Id<Account>>,
        order: Option<Id<Order>>,
        page: Page,
    ) -> Result<Vec<License>, Fault> {
        let (mut values, mut only) = (Vec::new(), String::new());
        match (account, order) {
            (Some(account), None) => return self.licenses_of(account, page).await,
            (account, Some(order)) => {
                values.extend(cells(&order));
                only.push_str(r#"t."order" = $1 AND "#);
                if let Some(account) = account {
                    values.extend(cells(&account));
                    only.push_str("t.account = $2 AND ");
                }
            }
            (None, None) => {}
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

    /// A page of a license's machines, those that were deactivated too, the newest first.
    pub async fn machines_of(
        &self,
        license: Id<License>,
        page: Page,
    ) -> Result<Vec<Activation>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows("WHERE t.license = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
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
