//! Statements: what an account had, each movement of its wallet in a period, and what it had after each.

use scrip_domain::account_statement::Statement;

use crate::ledger::Buyer;
use crate::{Engine, Fault, Outcome, Period};

/// The most lines of a statement: a shorter period has fewer.
pub const MOST_LINES: u32 = 10_000;

/// The period has more lines than a statement can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Engine {
    /// An account's statement of a period, with everything booked that has expired.
    pub async fn account_statement(
        &self,
        buyer: Buyer,
        period: Period,
    ) -> Outcome<Statement, TooLong> {
        while self.expire_due().await? > 0 {}
        let Buyer { account, wallet } = buyer;
        let limit = MOST_LINES.saturating_add(1);
        let (opening, transfers) =
            self.store.account_statement(account, wallet, period, limit).await?;
        if u32::try_from(transfers.len()).is_ok_and(|lines| lines >= limit) {
            return Ok(Err(TooLong));
        }
        let impossible = || Fault::Bug("a statement would go below zero".into());
        Statement::of(opening, transfers, wallet).map(Ok).ok_or_else(impossible)
    }
}
