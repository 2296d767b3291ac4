//! Reads about partners.

use scrip_domain::Id;
use scrip_domain::partner::Partner;

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A partner.
    pub async fn partner(&self, id: Id<Partner>) -> Result<Option<Partner>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The partner with this address.
    pub async fn partner_by_url(&self, url: &str) -> Result<Option<Partner>, Fault> {
        self.row("WHERE t.url = $1", vec![Cell::text(url.to_owned())]).await
    }

    /// A page of all partners, newest first.
    pub async fn partners(&self, page: Page) -> Result<Vec<Partner>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }
}
