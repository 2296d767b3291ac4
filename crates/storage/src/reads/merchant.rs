//! Reads about merchants: their statements, events, payouts, and the buyers that they know.

use scrip_domain::account::Account;
use scrip_domain::connection::{Connection, MerchantSubject, SubjectName};
use scrip_domain::ledger::Transfer;
use scrip_domain::merchant::{Merchant, MerchantEvent, Payout};
use scrip_domain::{Amount, Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::{Page, cells};
use crate::store::Store;

/// What waits of the captures of `$1` at `$2`: those that are not delivered, and those that are, in their window. Each half
/// has an index of its own, and that of the window holds the sums.
pub(crate) const PENDING: &str = "SELECT CAST(COALESCE(SUM(
        CASE WHEN w.amount - w.fee > w.refunded THEN w.amount - w.fee - w.refunded ELSE 0 END), 0) AS BIGINT) AS pending
    FROM (SELECT amount, fee, refunded FROM purchase_requests
            WHERE merchant = $1 AND captured_at IS NOT NULL AND fulfilled_at IS NULL
        UNION ALL SELECT amount, fee, refunded FROM purchase_requests
            WHERE merchant = $1 AND captured_at IS NOT NULL AND fulfilled_at IS NOT NULL AND refund_until > $2) w";

impl Store {
    /// A merchant.
    pub async fn merchant(&self, id: Id<Merchant>) -> Result<Option<Merchant>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These merchants, in no order.
    pub async fn merchants_called(&self, ids: &[Id<Merchant>]) -> Result<Vec<Merchant>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// The merchant with this address.
    pub async fn merchant_by_url(&self, url: &str) -> Result<Option<Merchant>, Fault> {
        self.row("WHERE t.url = $1", vec![Cell::text(url.to_owned())]).await
    }

    /// A page of all merchants, newest first.
    pub async fn merchants(&self, page: Page) -> Result<Vec<Merchant>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// A page of a merchant's statement, newest first.
    pub async fn merchant_transfers(
        &self,
        merchant: Id<Merchant>,
        page: Page,
    ) -> Result<Vec<Transfer>, Fault> {
        let mut values = cells(&merchant);
        values.extend([page.highest(), page.limit()]);
        self.rows(
            "JOIN merchant_transfers m ON m.transfer = t.id
             WHERE m.merchant = $1 AND m.transfer <= $2 ORDER BY m.transfer DESC LIMIT $3",
            values,
        )
        .await
    }

    /// A merchant's events after the one with this number, and not before `since`, oldest first.
    pub async fn merchant_events(
        &self,
        merchant: Id<Merchant>,
        after: u64,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<MerchantEvent>, Fault> {
        let mut values = cells(&merchant);
        values.push(Cell::number(after));
        values.extend(cells(&since));
        values.push(Cell::Int(i64::from(limit)));
        let tail = "WHERE t.merchant = $1 AND t.seq > $2 AND t.at >= $3 ORDER BY t.seq LIMIT $4";
        self.rows(tail, values).await
    }

    /// A page of the payments to a merchant, newest first.
    pub async fn payouts_of(
        &self,
        merchant: Id<Merchant>,
        page: Page,
    ) -> Result<Vec<Payout>, Fault> {
        let mut values = cells(&merchant);
        values.extend([page.highest(), page.limit()]);
        self.rows("WHERE t.merchant = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3", values).await
    }

    /// A payment to a merchant.
    pub async fn payout(&self, id: Id<Payout>) -> Result<Option<Payout>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// What of a merchant's captures still waits at `at` for delivery, or for the end of its refund window.
    pub async fn merchant_pending(
        &self,
        merchant: Id<Merchant>,
        at: Timestamp,
    ) -> Result<Amount, Fault> {
        let mut values = cells(&merchant);
        values.extend(cells(&at));
        let read = |cells: &mut Reader<'_>| Amount::read(cells);
        let found = self.query("purchase_requests", PENDING.to_owned(), values, read).await?;
        Ok(found.into_iter().next().flatten().unwrap_or(Amount::ZERO))
    }

    /// A connection.
    pub async fn connection(&self, id: Id<Connection>) -> Result<Option<Connection>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// Connections opened before this one would be, the oldest first.
    pub async fn connections_before(
        &self,
        before: Id<Connection>,
        limit: u32,
    ) -> Result<Vec<Connection>, Fault> {
        let mut values = cells(&before);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.id < $1 ORDER BY t.id LIMIT $2", values).await
    }

    /// The connection whose reference has this digest.
    pub async fn connection_by_reference(
        &self,
        reference: [u8; 32],
    ) -> Result<Option<Connection>, Fault> {
        self.row("WHERE t.reference = $1", cells(&reference)).await
    }

    /// The connection whose return code has this digest.
    pub async fn connection_by_code(&self, hash: [u8; 32]) -> Result<Option<Connection>, Fault> {
        self.row("WHERE t.code_hash = $1", cells(&hash)).await
    }

    /// A buyer, as a merchant knows them.
    pub async fn merchant_subject(
        &self,
        merchant: Id<Merchant>,
        subject: SubjectName,
    ) -> Result<Option<MerchantSubject>, Fault> {
        let mut values = cells(&merchant);
        values.extend(cells(&subject));
        self.row("WHERE t.merchant = $1 AND t.subject = $2", values).await
    }

    /// What merchants know of an account, by merchant.
    pub async fn merchant_subjects_of(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<MerchantSubject>, Fault> {
        self.rows("WHERE t.account = $1 ORDER BY t.merchant", cells(&account)).await
    }
}
