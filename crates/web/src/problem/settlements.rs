//! What is said about statements and payments between partners.

use scrip_domain::Money;
use scrip_engine::settlement::SettlementRefusal;
use scrip_engine::statement::StatementRefusal;

use super::{Problem, kind};
use crate::money::MoneyOut;

impl From<StatementRefusal> for Problem {
    fn from(refusal: StatementRefusal) -> Self {
        match refusal {
            StatementRefusal::NoSuchStatement | StatementRefusal::NoSuchCycle => Self::not_found(),
            StatementRefusal::State(state) => {
                let detail = format!("the statement is {state}");
                Self::new(&kind::STATEMENT_STATE, detail).with("state", state)
            }
            StatementRefusal::Unbelievable(why) => Self::new(&kind::ACCOUNT_REFUSED, why),
            StatementRefusal::Stale => Self::busy("too much at once: ask again"),
        }
    }
}

impl Problem {
    /// Why something was not done with a payment; `received` is what was said to have come.
    pub fn settlement(refusal: SettlementRefusal, received: Option<Money>) -> Self {
        match refusal {
            SettlementRefusal::NoSuchSettlement => Self::not_found(),
            SettlementRefusal::State(state) => {
                let detail = format!("the statement is {state}");
                Self::new(&kind::STATEMENT_STATE, detail).with("state", state)
            }
            SettlementRefusal::OtherSide => {
                let detail = "that is for the other side to do: look at net";
                Self::new(&kind::SETTLEMENT_SIDE, detail)
            }
            SettlementRefusal::Instructed(settlement) => {
                let detail = "the payment was instructed in another way";
                Self::new(&kind::SETTLEMENT_EXISTS, detail).with("settlement", settlement)
            }
            SettlementRefusal::NoBankDetails { ours } => {
                let whose = if ours { "our own" } else { "the partner's" };
                let detail = format!("{whose} bank account is not known: enter it first");
                Self::new(&kind::BANK_DETAILS_MISSING, detail)
            }
            SettlementRefusal::Amount { due } => {
                let due = MoneyOut::currency(due);
                let problem = Self::new(&kind::SETTLEMENT_AMOUNT, format!("{due} are due"));
                let problem = problem.with("due", due);
                match received {
                    Some(money) => problem.with("received", MoneyOut::currency(money)),
                    None => problem,
                }
            }
            SettlementRefusal::KeyReused => Self::key_reused(),
            SettlementRefusal::Unbelievable(why) => Self::new(&kind::SETTLEMENT_REFUSED, why),
            SettlementRefusal::Stale => Self::busy("too much at once: ask again"),
        }
    }
}
