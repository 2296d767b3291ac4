//! Reads about what buyers ask back.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::order::Order;
use scrip_domain::refund_request::{RefundRequest, RefundRequestState};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A request for a refund.
    pub async fn refund_request(
        &self,
        id: Id<RefundRequest>,
    ) -> Result<Option<RefundRequest>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// What was asked back of an order, oldest first.
    pub async fn refund_requests_of(&self, order: Id<Order>) -> Result<Vec<RefundRequest>, Fault> {
        self.rows("WHERE t.\"order\" = $1 ORDER BY t.id", cells(&order)).await
    }

    /// A page of what was asked back and stands so, newest first.
    pub async fn refund_requests(
        &self,
        state: RefundRequestState,
        page: Page,
    ) -> Result<Vec<RefundRequest>, Fault> {
        let values = [cells(&state), vec![page.highest(), page.limit()]].concat();
        let tail = "WHERE t.state = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3";
        self.rows(tail, values).await
    }

    /// A page of what an account has asked back, newest first.
    pub async fn refund_requests_by(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<RefundRequest>, Fault> {
        let values = [cells(&account), vec![page.highest(), page.limit()]].concat();
        let tail = "WHERE t.account = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3";
        self.rows(tail, values).await
    }

    /// How many requests wait for the vendor, counted up to `most`.
    pub async fn open_refund_requests(&self, most: u32) -> Result<usize, Fault> {
        let text = "SELECT COUNT(*) FROM (SELECT 1 FROM refund_requests
            WHERE state = 'open' LIMIT $1) r";
        let read = |cells: &mut Reader<'_>| {
            Ok(cells.int()?.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
        };
        let most = vec![Cell::Int(i64::from(most))];
        let found = self.query("refund_requests", text.to_owned(), most, read).await?;
        Ok(found.into_iter().next().unwrap_or(0))
    }
}
