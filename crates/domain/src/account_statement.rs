//! Statements: what an account had, each movement of its wallet, and what it had after each.

use crate::account::Account;
use crate::amount::Amount;
use crate::catalog::Product;
use crate::id::Id;
use crate::ledger::{LedgerAccount, Transfer};
use crate::order::{Line, Order, OrderState};
use crate::time::Timestamp;
use crate::wallet::Wallet;

/// What a wallet has at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What can be spent.
    pub available: Amount,
    /// What holds have reserved.
    pub held: Amount,
    /// What is owed.
    pub owed: Amount,
}

impl Standing {
    /// After `transfer`, of which `wallet` is a side or both; `None` when it cannot have happened then.
    pub fn after(self, transfer: &Transfer, wallet: Id<Wallet>) -> Option<Self> {
        let Transfer { debit, credit, amount, .. } = transfer;
        let moved = |balance: Amount, account: LedgerAccount| {
            let balance = if *credit == account { balance.checked_add(*amount)? } else { balance };
            if *debit == account { balance.checked_sub(*amount) } else { Some(balance) }
        };
        // What is owed is an account in debit.
        let owes = |balance: Amount, account: LedgerAccount| {
            let balance = if *debit == account { balance.checked_add(*amount)? } else { balance };
            if *credit == account { balance.checked_sub(*amount) } else { Some(balance) }
        };
        Some(Self {
            available: moved(self.available, LedgerAccount::Free(wallet))?,
            held: moved(self.held, LedgerAccount::Held(wallet))?,
            owed: owes(self.owed, LedgerAccount::Owed(wallet))?,
        })
    }
}

/// A statement of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What there was when it begins.
    pub opening: Standing,
    /// Each movement, oldest first, and what there was after it.
    pub lines: Vec<(Transfer, Standing)>,
}

impl Statement {
    /// The statement of `transfers`, oldest first, that follow upon `opening`; `None` when they cannot.
    pub fn of(opening: Standing, transfers: Vec<Transfer>, wallet: Id<Wallet>) -> Option<Self> {
        let mut standing = opening;
        let mut lines = Vec::with_capacity(transfers.len());
        for transfer in transfers {
            standing = standing.after(&transfer, wallet)?;
            lines.push((transfer, standing));
        }
        Some(Self { opening, lines })
    }

    /// What there is when it ends.
    pub fn closing(&self) -> Standing {
        self.lines.last().map_or(self.opening, |(_, standing)| *standing)
    }
}

/// A line of an order, as a list of orders shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLine {
    /// The order.
    pub order: Id<Order>,
    /// Whose; nobody's while a visitor's was not confirmed at the provider.
    pub account: Option<Id<Account>>,
    /// Where the order stands.
    pub state: OrderState,
    /// When it was selected.
    pub selected_at: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// With which coupon.
    pub coupon: Option<String>,
    /// The line.
    pub line: Id<Line>,
    /// What was sold.
    pub product: Id<Product>,
    /// What it was called.
    pub title: String,
    /// How many units.
    pub quantity: u32,
    /// The price of one.
    pub price: Amount,
    /// What the coupon took off the whole line.
    pub discount: Amount,
    /// What went back of it.
    pub refunded: Amount,
}

impl ListedLine {
    /// What is paid for the line.
    pub fn total(&self) -> Option<Amount> {
        self.price.checked_mul(self.quantity.into())?.checked_sub(self.discount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Subject;
    use crate::ledger::{House, Reason};

    fn amount(units: u64) -> Amount {
        Amount::new(units).unwrap()
    }

    fn moves(debit: LedgerAccount, credit: LedgerAccount, units: u64) -> Transfer {
        let (amount, reason, subject) = (amount(units), Reason::Adjustment, Subject(1));
        let at = Timestamp::from_millis(0);
        Transfer { id: Id::new(1).unwrap(), debit, credit, amount, reason, subject, at }
    }

    #[test]
    fn each_line_says_what_there_is_after_it() {
        let wallet = Id::new(200).unwrap();
        let (free, held, owed) =
            (LedgerAccount::Free(wallet), LedgerAccount::Held(wallet), LedgerAccount::Owed(wallet));
        let house = LedgerAccount::House(House::Issued);
        let all = vec![
            moves(house, free, 10),
            moves(free, held, 4),
            moves(held, house, 4),
            moves(owed, house, 5),
            moves(free, owed, 2),
        ];
        let opening = Standing { available: amount(1), ..Standing::default() };
        let statement = Statement::of(opening, all, wallet).unwrap();
        let shown = |standing: &Standing| {
            [standing.available, standing.held, standing.owed].map(Amount::units)
        };
        let lines: Vec<_> = statement.lines.iter().map(|(_, after)| shown(after)).collect();
        assert_eq!(lines, [[11, 0, 0], [7, 4, 0], [7, 0, 0], [7, 0, 5], [5, 0, 3]]);
        assert_eq!(shown(&statement.closing()), [5, 0, 3]);
        assert_eq!(Statement::of(opening, vec![moves(free, house, 2)], wallet), None);
        let nothing = Statement::of(opening, Vec::new(), wallet).unwrap();
        assert_eq!(nothing.closing(), opening);
    }
}
