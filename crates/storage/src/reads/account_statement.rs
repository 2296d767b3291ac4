//! Statements of accounts, and lists of orders.

use scrip_domain::account::Account;
use scrip_domain::account_statement::{ListedLine, Standing};
use scrip_domain::ledger::{LedgerAccount, Transfer};
use scrip_domain::order::OrderState;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::index::TRANSFERS;
use crate::reads::journal::Period;
use crate::reads::{among, cells};
use crate::store::Store;
use crate::stream::{Ask, Rows};
use crate::table::Row;

/// What a statement reads: what there was before, then each transfer.
enum Found {
    Before(Standing),
    Then(Transfer),
}

impl Store {
    /// What an account's wallet had when a period began, and the first `limit` transfers of the period, the oldest
    /// first: one statement, so it is of one moment.
    pub async fn account_statement(
        &self,
        account: Id<Account>,
        wallet: Id<Wallet>,
        period: Period,
        limit: u32,
    ) -> Result<(Standing, Vec<Transfer>), Fault> {
        let kinds = among(&TRANSFERS);
        let text = format!(
            "SELECT s.place, s.id, s.debit, s.credit, s.amount, s.reason, s.subject, s.at FROM (
                SELECT CAST(0 AS BIGINT) AS place, CAST(0 AS BIGINT) AS id,
                    CAST(COALESCE(SUM(CASE WHEN t.credit = $1 THEN t.amount WHEN t.debit = $1 THEN -t.amount
                        ELSE 0 END), 0) AS BIGINT) AS debit,
                    CAST(COALESCE(SUM(CASE WHEN t.credit = $2 THEN t.amount WHEN t.debit = $2 THEN -t.amount
                        ELSE 0 END), 0) AS BIGINT) AS credit,
                    CAST(COALESCE(SUM(CASE WHEN t.debit = $3 THEN t.amount WHEN t.credit = $3 THEN -t.amount
                        ELSE 0 END), 0) AS BIGINT) AS amount, '' AS reason, CAST(0 AS BIGINT) AS subject,
                    CAST(0 AS BIGINT) AS at
                    FROM by_account b JOIN transfers t ON t.id = b.target
                    WHERE b.account = $4 AND b.kind {kinds} AND t.at < $5
                UNION ALL SELECT l.place, l.id, l.debit, l.credit, l.amount, l.reason, l.subject, l.at FROM (
                    SELECT 1 AS place, t.id, t.debit, t.credit, t.amount, t.reason, t.subject, t.at
                    FROM by_account b JOIN transfers t ON t.id = b.target
                    WHERE b.account = $4 AND b.kind {kinds} AND t.at >= $5 AND t.at < $6
                    ORDER BY t.at, t.id LIMIT $7) l) s
            ORDER BY s.place, s.at, s.id"
        );
        let side = |side: LedgerAccount| Cell::Int(side.number());
        let mut values = vec![
            side(LedgerAccount::Free(wallet)),
            side(LedgerAccount::Held(wallet)),
            side(LedgerAccount::Owed(wallet)),
        ];
        values.extend(cells(&account));
        values.extend(cells(&period.first()));
        values.extend(cells(&period.end()));
        values.push(Cell::Int(i64::from(limit)));
        let read = |cells: &mut Reader<'_>| match cells.int()? {
            Some(0) => {
                cells.int()?;
                let mut amount = || Amount::read(cells);
                let found = (amount()?, amount()?, amount()?);
                let (Some(available), Some(held), Some(owed)) = found else {
                    return Err(cells.corrupt());
                };
                Ok(Found::Before(Standing { available, held, owed }))
            }
            _ => Transfer::read(cells).map(Found::Then),
        };
        let mut opening = Standing::default();
        let mut lines = Vec::new();
        for found in self.query("transfers", text, values, read).await? {
            match found {
                Found::Before(standing) => opening = standing,
                Found::Then(transfer) => lines.push(transfer),
            }
        }
        Ok((opening, lines))
    }

    /// The lines of all orders that were selected in a period, oldest first.
    pub fn listed_lines(&self, period: Period) -> Result<Rows<ListedLine>, Fault> {
        let text = r#"SELECT o.id, o.account, o.state, o.selected_at, o.paid_at, o.coupon_code, l.id, l.product, l.title,
                l.quantity, l.price, COALESCE(l.discount, 0), CAST((SELECT COALESCE(SUM(r.amount), 0)
                    FROM refund_lines r WHERE r."order" = o.id AND r.line = l.id) AS BIGINT)
            FROM orders o JOIN order_lines l ON l."order" = o.id
            WHERE o.selected_at >= $1 AND o.selected_at < $2 ORDER BY o.id, l.id"#;
        let mut values = cells(&period.first());
        values.extend(cells(&period.end()));
        self.stream(vec![Ask::new("orders", text, values, |cells| listed(cells).map(Some))])
    }
}

fn listed(cells: &mut Reader<'_>) -> Result<ListedLine, Fault> {
    fn must<F: Field>(cells: &mut Reader<'_>) -> Result<F, Fault> {
        F::read(cells)?.ok_or_else(|| cells.corrupt())
    }
    Ok(ListedLine {
        order: must(cells)?,
        account: Id::read(cells)?,
        state: must::<OrderState>(cells)?,
        selected_at: must(cells)?,
        paid_at: Timestamp::read(cells)?,
        coupon: cells.text()?,
        line: must(cells)?,
        product: must(cells)?,
        title: must(cells)?,
        quantity: must(cells)?,
        price: must(cells)?,
        discount: must(cells)?,
        refunded: must(cells)?,
    })
}
