//! Reads about vouchers.

use scrip_domain::Id;
use scrip_domain::top_up::TopUp;
use scrip_domain::voucher::{CodeDigest, Voucher, VoucherBatch};

use crate::fault::Fault;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A batch of vouchers.
    pub async fn voucher_batch(&self, id: Id<VoucherBatch>) -> Result<Option<VoucherBatch>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of all batches, newest first.
    pub async fn voucher_batches(&self, page: Page) -> Result<Vec<VoucherBatch>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// The voucher with this code.
    pub async fn voucher(&self, code: CodeDigest) -> Result<Option<Voucher>, Fault> {
        self.row("WHERE t.code = $1", cells(&code)).await
    }

    /// The voucher that was redeemed for a top-up.
    pub async fn voucher_of(&self, top_up: Id<TopUp>) -> Result<Option<Voucher>, Fault> {
        self.row("WHERE t.top_up = $1", cells(&top_up)).await
    }
}
