//! The credit line of an account, as its owner and the vendor see it.

use scrip_domain::credit_line::CreditLine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::money::MoneyOut;

/// What an account may owe, and does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreditLine)]
pub struct CreditLineOut {
    /// The most that may be owed.
    limit: MoneyOut,
    /// What is owed.
    owed: MoneyOut,
    /// What can still be drawn.
    left: MoneyOut,
}

impl From<&CreditLine> for CreditLineOut {
    fn from(line: &CreditLine) -> Self {
        Self {
            limit: MoneyOut::currency(line.limit),
            owed: MoneyOut::currency(line.owed()),
            left: MoneyOut::currency(line.left()),
        }
    }
}
