//! Settlements: the net amount of a statement is instructed, sent, received, or given up.
//!
//! ```text
//! debtor:    agreed ──staff──▶ instructed ──staff──▶ sent ──the creditor's signed receipt──▶ settled
//! creditor:  agreed ──told, or staff──▶ instructed ──told──▶ sent ──staff has it, exactly──▶ settled ─▶ signed receipt
//!                                          └──────────────────┴────staff gives up──▶ written_off ──it comes after all──▶ (receipt)
//! ```
//! The payment has a row on both sides, and the same reference, which either can reckon. Money that did not come moves nothing:
//! the debtor's books follow the creditor's signature alone. What is told is told until it is heard.

pub(crate) mod book;
mod news;
mod staff;

use scrip_domain::Id;
use scrip_domain::Money;
use scrip_domain::agreement::Agreement;
use scrip_domain::partner::Partner;
use scrip_domain::statement::{Settlement, Statement, StatementState};
use scrip_storage::{Books, Fault, Wants};

use crate::Engine;

pub use staff::ReceiptAsk;

/// How often a command is asked again that looked up what has changed since.
const TRIES: usize = 3;

/// Why something was not done with a payment. Nothing moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettlementRefusal {
    /// There is none, or no such statement.
    NoSuchSettlement,
    /// The statement, or the payment, is in another state.
    State(StatementState),
    /// That is for the other side to do: who pays, or who is paid.
    OtherSide,
    /// It is instructed already, in another way.
    Instructed(Id<Settlement>),
    /// A file for a bank needs both accounts: ours is not known, or the partner's.
    NoBankDetails {
        /// Whether it is ours.
        ours: bool,
    },
    /// Something else came than was to be paid.
    Amount {
        /// What is to be paid.
        due: Money,
    },
    /// The idempotency key was used for something else.
    KeyReused,
    /// What came is not to be believed; a sentence says why.
    Unbelievable(String),
    /// What was looked up before the command is not so any more: look again. Never told to callers.
    Stale,
}

/// What a command about a payment looked up before.
#[derive(Clone, Debug)]
struct Known {
    partner: Id<Partner>,
    cycle: u32,
    agreement: Id<Agreement>,
    /// The payment's row, when there is one.
    settlement: Option<Id<Settlement>>,
    /// How many other statements of the partner are so overdue that it stays suspended.
    overdue: u64,
}

/// The rows that a decision about a payment is made on.
struct Rows<'a> {
    partner: &'a Partner,
    agreement: &'a Agreement,
    statement: &'a Statement,
    settlement: Option<&'a Settlement>,
}

impl Known {
    fn want(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
        wants.agreements.read((self.agreement,));
        if let Some(settlement) = self.settlement {
            wants.settlements.read((settlement,));
        }
    }

    /// The rows, if a payment is known exactly where there is one.
    fn rows<'a>(&self, books: &'a Books) -> Result<Result<Rows<'a>, SettlementRefusal>, Fault> {
        let lost = |what: &str| Fault::Bug(format!("a payment's {what} is gone"));
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        let agreement = books.agreements.get(&(self.agreement,))?;
        let agreement = agreement.ok_or_else(|| lost("agreement"))?;
        let statement = books.statements.get(&(self.partner, self.cycle))?;
        let statement = statement.ok_or_else(|| lost("statement"))?;
        let settlement = match self.settlement {
            Some(id) => books.settlements.get(&(id,))?,
            None => None,
        };
        let is_instructed = statement.state.is_agreed()
            && statement.state != StatementState::Agreed
            && statement.net != 0;
        if is_instructed != settlement.is_some() {
            return Ok(Err(SettlementRefusal::Stale));
        }
        Ok(Ok(Rows { partner, agreement, statement, settlement }))
    }
}

impl Engine {
    /// What a command about a statement's payment has to know.
    async fn know_settlement(&self, statement: &Statement) -> Result<Known, Fault> {
        let settlement = self.store.settlement_of(statement.id).await?;
        let since = self.now().minus(scrip_domain::statement::PATIENCE);
        let (_, overdue) = self.store.statements_that_suspend(statement.partner, since).await?;
        let is_this = statement.state.is_unpaid()
            && statement.net < 0
            && statement.pay_until.is_some_and(|until| until <= since);
        Ok(Known {
            partner: statement.partner,
            cycle: statement.cycle,
            agreement: statement.agreement,
            settlement: settlement.map(|settlement| settlement.id),
            overdue: overdue.saturating_sub(u64::from(is_this)),
        })
    }
}
