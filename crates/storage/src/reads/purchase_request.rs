//! Reads about purchase requests at a provider.

use scrip_domain::account::Account;
use scrip_domain::hold::{Hold, HoldLot};
use scrip_domain::merchant::Merchant;
use scrip_domain::purchase_request::{
    Notice, PurchaseRequest, RequestRefund, RequestRefundLot, RequestState,
};
use scrip_domain::{Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::{Page, cells};
use crate::store::Store;

/// What was signed for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundDocument {
    /// The refund.
    pub id: Id<RequestRefund>,
    /// The signed receipt of its request.
    pub receipt: Option<String>,
    /// The signed document of the refund.
    pub document: String,
}

impl Store {
    /// A purchase request.
    pub async fn purchase_request(
        &self,
        id: Id<PurchaseRequest>,
    ) -> Result<Option<PurchaseRequest>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These requests, in no order.
    pub async fn purchase_requests_called(
        &self,
        ids: &[Id<PurchaseRequest>],
    ) -> Result<Vec<PurchaseRequest>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// A merchant's request for its order of this name.
    pub async fn purchase_request_of(
        &self,
        merchant: Id<Merchant>,
        order: &str,
    ) -> Result<Option<PurchaseRequest>, Fault> {
        let mut values = cells(&merchant);
        values.push(Cell::text(order.to_owned()));
        self.row(r#"WHERE t.merchant = $1 AND t."order" = $2"#, values).await
    }

    /// The request whose reference has this digest.
    pub async fn purchase_request_by_reference(
        &self,
        reference: [u8; 32],
    ) -> Result<Option<PurchaseRequest>, Fault> {
        self.row("WHERE t.reference = $1", cells(&reference)).await
    }

    /// The request whose return code has this digest.
    pub async fn purchase_request_by_code(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<PurchaseRequest>, Fault> {
        self.row("WHERE t.code_hash = $1", cells(&hash)).await
    }

    /// A page of the requests that an account has claimed, newest first.
    pub async fn purchase_requests_of(
        &self,
        account: Id<Account>,
        page: Page,
    ) -> Result<Vec<PurchaseRequest>, Fault> {
        let mut values = cells(&account);
        values.extend([page.highest(), page.limit()]);
        self.rows("WHERE t.account = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }

    /// A page of all requests, newest first.
    pub async fn purchase_requests(&self, page: Page) -> Result<Vec<PurchaseRequest>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// Requests of which the clock has changed something at `at`, the longest due first.
    pub async fn purchase_requests_due(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<PurchaseRequest>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }

    /// The request of a merchant that nobody has claimed and that is due first.
    pub async fn unclaimed_request(
        &self,
        merchant: Id<Merchant>,
    ) -> Result<Option<PurchaseRequest>, Fault> {
        let mut values = cells(&merchant);
        values.push(Cell::text(RequestState::Open.as_str().to_owned()));
        let tail = "WHERE t.merchant = $1 AND t.state = $2 AND t.due_at IS NOT NULL ORDER BY t.due_at, t.id LIMIT 1";
        self.row(tail, values).await
    }

    /// A request's refunds, oldest first.
    pub async fn request_refunds(
        &self,
        request: Id<PurchaseRequest>,
    ) -> Result<Vec<RequestRefund>, Fault> {
        self.rows("WHERE t.request = $1 ORDER BY t.id", cells(&request)).await
    }

    /// A page of what was signed for refunds, the newest first, and of the receipts that they are of.
    pub async fn refund_documents(&self, page: Page) -> Result<Vec<RefundDocument>, Fault> {
        let text = "SELECT q.id, r.receipt, q.document FROM request_refunds q
            LEFT JOIN purchase_requests r ON r.id = q.request
            WHERE q.id <= $1 ORDER BY q.id DESC LIMIT $2";
        let read = |cells: &mut Reader<'_>| {
            let id = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
            let receipt = cells.text()?;
            let document = cells.text()?.ok_or_else(|| cells.corrupt())?;
            Ok(RefundDocument { id, receipt, document })
        };
        let bounds = vec![page.highest(), page.limit()];
        self.query("request_refunds", text.to_owned(), bounds, read).await
    }

    /// What a request's refunds gave back to which lot.
    pub async fn request_refund_lots(
        &self,
        request: Id<PurchaseRequest>,
    ) -> Result<Vec<RequestRefundLot>, Fault> {
        self.rows("WHERE t.request = $1 ORDER BY t.refund, t.lot", cells(&request)).await
    }

    /// A hold.
    pub async fn hold(&self, id: Id<Hold>) -> Result<Option<Hold>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// What a hold has reserved of which lot, in the order in which they pay.
    pub async fn hold_lots(&self, hold: Id<Hold>) -> Result<Vec<HoldLot>, Fault> {
        self.rows("WHERE t.hold = $1 ORDER BY t.place", cells(&hold)).await
    }

    /// Notices that are due at `at`, the longest due first.
    pub async fn notices_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at LIMIT $2", values).await
    }
}
