//! Reads about payment methods.

use scrip_domain::account::Account;
use scrip_domain::payment_method::{Customer, PaymentMethod};
use scrip_domain::top_up::{TopUp, TopUpState};
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::index::TOP_UP;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// What a processor calls an account, once it was asked.
    pub async fn customer(
        &self,
        account: Id<Account>,
        processor: &str,
    ) -> Result<Option<Customer>, Fault> {
        let mut values = cells(&account);
        values.extend(cells(&processor.to_owned()));
        self.row("WHERE t.account = $1 AND t.processor = $2", values).await
    }

    /// An account's cards, those that leave included, the oldest first.
    pub async fn payment_methods_of(
        &self,
        account: Id<Account>,
    ) -> Result<Vec<PaymentMethod>, Fault> {
        self.rows("WHERE t.account = $1 ORDER BY t.created_at, t.name", cells(&account)).await
    }

    /// Cards of which the processor has to be told at `at` that they were removed, the longest due first.
    pub async fn payment_methods_leaving(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<PaymentMethod>, Fault> {
        let mut values = cells(&at);
        values.push(Cell::Int(i64::from(limit)));
        self.rows("WHERE t.detach_at <= $1 ORDER BY t.detach_at LIMIT $2", values).await
    }

    /// Whether a payment that was begun with this card of an account may still need it.
    pub async fn payment_method_is_used(
        &self,
        account: Id<Account>,
        name: &str,
    ) -> Result<bool, Fault> {
        let mut values = cells(&account);
        values.push(Cell::number(u64::from(TOP_UP)));
        values.extend(cells(&name.to_owned()));
        let open = TopUpState::ALL.iter().filter(|state| !state.is_final());
        let open: Vec<_> = open.map(|state| format!("'{state}'")).collect();
        let tail = format!(
            "JOIN by_account b ON b.target = t.id WHERE b.account = $1 AND b.kind = $2
             AND t.payment_method = $3 AND t.state IN ({}) LIMIT 1",
            open.join(", ")
        );
        Ok(self.row::<TopUp>(&tail, values).await?.is_some())
    }
}
