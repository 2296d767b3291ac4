//! Reads about statements and settlements: what is in a cycle, and what became of it.

use scrip_domain::bank::BankDetails;
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::Partner;
use scrip_domain::statement::{CycleItem, Difference, Settlement, Statement};
use scrip_domain::{Amount, Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::{Page, cells};
use crate::store::Store;

/// Of our exchanges `x`, those for which something is owed. One that was written off counts until the partner's word
/// says that it never issued.
pub(crate) const OWED: &str = "(x.state = 'fulfilled' OR x.state = 'written_off' AND NOT EXISTS (SELECT 1 FROM partner_entries r
    WHERE r.partner = x.partner AND r.side = 'payable' AND r.cycle = x.cycle AND r.kind = 'reversal' AND r.subject = x.id))";

impl Store {
    /// A statement.
    pub async fn statement(&self, id: Id<Statement>) -> Result<Option<Statement>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// These statements, in no order.
    pub async fn statements_called(&self, ids: &[Id<Statement>]) -> Result<Vec<Statement>, Fault> {
        self.rows_in("id", ids, "").await
    }

    /// The statement of a cycle.
    pub async fn statement_of(
        &self,
        partner: Id<Partner>,
        cycle: u32,
    ) -> Result<Option<Statement>, Fault> {
        let mut values = cells(&partner);
        values.extend(cells(&cycle));
        self.row("WHERE t.partner = $1 AND t.cycle = $2", values).await
    }

    /// A page of all statements, newest first.
    pub async fn statements(&self, page: Page) -> Result<Vec<Statement>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// Statements with which something is to be done at `at`, the longest due first.
    pub async fn statements_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Statement>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }

    /// How many statements of a partner keep it suspended for this reason: `disputed`, or unpaid since before `overdue`.
    pub async fn statements_that_suspend(
        &self,
        partner: Id<Partner>,
        overdue: Timestamp,
    ) -> Result<(u64, u64), Fault> {
        let text =
            "SELECT COALESCE(SUM(CASE WHEN t.state = 'disputed' THEN 1 ELSE 0 END), 0) AS disputed,
                COALESCE(SUM(CASE WHEN t.state IN ('agreed', 'instructed', 'sent') AND t.net < 0 AND t.pay_until <= $1
                    THEN 1 ELSE 0 END), 0) AS overdue
            FROM statements t WHERE t.partner = $2";
        let mut values = cells(&overdue);
        values.extend(cells(&partner));
        let text =
            format!("SELECT CAST(c.disputed AS BIGINT), CAST(c.overdue AS BIGINT) FROM ({text}) c");
        let count = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let found = self.query("statements", text, values, move |cells| {
            Ok((count(cells.int()?), count(cells.int()?)))
        });
        Ok(found.await?.into_iter().next().unwrap_or_default())
    }

    /// In what a disputed statement differs from the partner's.
    pub async fn differences(&self, statement: Id<Statement>) -> Result<Vec<Difference>, Fault> {
        self.rows("WHERE t.statement = $1 ORDER BY t.ours, t.exchange", cells(&statement)).await
    }

    /// Whether a commit of ours in a cycle up to this one waits for the partner's answer.
    pub async fn is_unanswered(&self, partner: Id<Partner>, cycle: u32) -> Result<bool, Fault> {
        let tail = r#"WHERE t.partner = $1 AND t.cycle <= $2 AND t."commit" IS NOT NULL AND t.answer IS NULL LIMIT 1"#;
        let mut values = cells(&partner);
        values.extend(cells(&cycle));
        let unanswered: Option<Exchange> = self.row(tail, values).await?;
        Ok(unanswered.is_some())
    }

    /// What is owed for a cycle, in order of the exchanges' names, after one of them: by us, or by the partner.
    pub async fn cycle_items(
        &self,
        (partner, cycle): (Id<Partner>, u32),
        ours: bool,
        after: Option<Id<Exchange>>,
        limit: u32,
    ) -> Result<Vec<CycleItem>, Fault> {
        let text = if ours {
            format!(
                "SELECT x.id, x.figures_compensation FROM exchanges x
                 WHERE x.partner = $1 AND x.cycle = $2 AND x.id > $3 AND {OWED} ORDER BY x.id LIMIT $4"
            )
        } else {
            "SELECT x.exchange, x.figures_compensation FROM incoming_exchanges x
             WHERE x.partner = $1 AND x.cycle = $2 AND x.exchange > $3 AND x.state = 'fulfilled'
             ORDER BY x.exchange LIMIT $4"
                .to_owned()
        };
        let after = after.and_then(|id| i64::try_from(id.number()).ok()).unwrap_or(-1);
        let mut values = cells(&partner);
        values.extend(cells(&cycle));
        values.extend([Cell::Int(after), Cell::Int(i64::from(limit))]);
        self.query("exchanges", text, values, |cells| {
            let exchange = Id::read(cells)?.ok_or_else(|| cells.corrupt())?;
            let compensation = Amount::read(cells)?.ok_or_else(|| cells.corrupt())?;
            Ok(CycleItem { exchange, compensation })
        })
        .await
    }

    /// A payment.
    pub async fn settlement(&self, id: Id<Settlement>) -> Result<Option<Settlement>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The payment of a statement.
    pub async fn settlement_of(
        &self,
        statement: Id<Statement>,
    ) -> Result<Option<Settlement>, Fault> {
        self.row("WHERE t.statement = $1", cells(&statement)).await
    }

    /// A page of all payments, newest first.
    pub async fn settlements(&self, page: Page) -> Result<Vec<Settlement>, Fault> {
        self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await
    }

    /// Payments of which the partner is to be told at `at`, the longest due first.
    pub async fn settlements_due(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Settlement>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.id LIMIT $2", values).await
    }

    /// The bank account of a partner, by its number, or our own.
    pub async fn bank_details(&self, owner: u64) -> Result<Option<BankDetails>, Fault> {
        self.row("WHERE t.owner = $1", cells(&owner)).await
    }
}
