//! Reads about licenses in use.

use scrip_domain::Id;
use scrip_domain::license::License;
use scrip_domain::usage::{Activation, Consumption, Lease, Usage};
use scrip_license::Digest;

use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// How much a license was used; `None` when nothing happened yet.
    pub async fn usage(&self, license: Id<License>) -> Result<Option<Usage>, Fault> {
        self.row("WHERE t.license = $1", cells(&license)).await
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

    /// A page of a license's machines, those that are no longer active included; the newest name first.
    pub async fn activations_of(
        &self,
        license: Id<License>,
        page: Page,
    ) -> Result<Vec<Activation>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows("WHERE t.license = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }

    /// What was taken of a license under a key.
    pub async fn consumption(
        &self,
        license: Id<License>,
        key: &str,
    ) -> Result<Option<Consumption>, Fault> {
        let values = [cells(&license), cells(&key.to_owned())].concat();
        self.row("WHERE t.license = $1 AND t.key = $2", values).await
    }

    /// A lease of a license.
    pub async fn lease(&self, license: Id<License>, id: Id<Lease>) -> Result<Option<Lease>, Fault> {
        let values = [cells(&license), cells(&id)].concat();
        self.row("WHERE t.license = $1 AND t.id = $2", values).await
    }

    /// A page of a license's leases that were not returned, newest first.
    pub async fn leases_open(&self, license: Id<License>, page: Page) -> Result<Vec<Lease>, Fault> {
        let values = [cells(&license), vec![page.highest(), page.limit()]].concat();
        self.rows(
            "WHERE t.license = $1 AND t.id <= $2 AND t.returned_at IS NULL ORDER BY t.id DESC LIMIT $3",
            values,
        )
        .await
    }
}
