//! The double-entry ledger: every movement of tokens debits one account and credits another.
//!
//! A user's accounts have a floor: they can never be debited below zero. The vendor's own accounts
//! have none: `issued` goes as far into debit as tokens are outstanding. The sum over all is zero.

use crate::amount::Amount;
use crate::event::Subject;
use crate::exchange::Exchange;
use crate::id::{Id, Kind};
use crate::lot::Lot;
use crate::merchant::{Merchant, Payout};
use crate::order::Order;
use crate::purchase_request::PurchaseRequest;
use crate::time::Timestamp;
use crate::top_up::TopUp;
use crate::wallet::Wallet;
use crate::words;

/// Two counters that only grow, up to 2^63 - 1 each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Everything ever taken out.
    pub debits: u64,
    /// Everything ever put in.
    pub credits: u64,
}

impl Counters {
    const MAX: u64 = u64::MAX >> 1;

    /// Credits minus debits; zero for an account in debit.
    pub fn credit_balance(self) -> Amount {
        Amount::new(self.credits.saturating_sub(self.debits)).unwrap_or(Amount::MAX)
    }

    /// With `amount` taken out; `None` when the counter is full.
    pub fn debited(self, amount: Amount) -> Option<Self> {
        let debits = self.debits.checked_add(amount.units()).filter(|sum| *sum <= Self::MAX)?;
        Some(Self { debits, ..self })
    }

    /// With `amount` put in; `None` when the counter is full.
    pub fn credited(self, amount: Amount) -> Option<Self> {
        let credits = self.credits.checked_add(amount.units()).filter(|sum| *sum <= Self::MAX)?;
        Some(Self { credits, ..self })
    }

    /// Whether no more was taken out than ever put in.
    pub fn above_floor(self) -> bool {
        self.credits >= self.debits
    }
}

words! {
    /// The vendor's own ledger accounts. They have no floor.
    pub enum House {
        /// The other side of every token sold: in debit by what was ever issued for money, paid or owed.
        Issued = "issued",
        /// The other side of tokens given without payment.
        Granted = "granted",
        /// Tokens that buyers have redeemed for goods.
        Revenue = "revenue",
        /// Tokens that have expired.
        Breakage = "breakage",
        /// Tokens that were taken back, or are owed, because the money went back or may.
        Reclaimed = "reclaimed",
        /// What a provider keeps of what merchants capture.
        Fees = "fees",
        /// Tokens that merchants have earned and were paid for.
        PaidOut = "paid_out",
        /// Tokens that buyers gave for a partner's.
        ExchangedOut = "exchanged_out",
        /// The other side of tokens issued for a partner's.
        ExchangedIn = "exchanged_in",
    }
}

/// A ledger account, as a side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// What a wallet can spend.
    Free(Id<Wallet>),
    /// What a wallet's holds have reserved.
    Held(Id<Wallet>),
    /// What a wallet's owner owes: the one account of a user that is in debit, and never in credit.
    Owed(Id<Wallet>),
    /// What a merchant has earned. It has no floor: below zero is a debt.
    Merchant(Id<Merchant>),
    /// One of the vendor's own.
    House(House),
}

/// What is added to a wallet's number for what it owes, and to a merchant's. Ids reach it in the year 2165.
const OWED: i64 = 1 << 62;
/// From here on down, merchants.
const MERCHANTS: i64 = -OWED;

impl LedgerAccount {
    /// The number under which it is stored: a wallet's id, the same negated for its held account, the
    /// same plus 2^62 for what it owes, a merchant's id plus 2^62 and negated, and the first few numbers, which no minted id can have, for the
    /// vendor's own.
    pub fn number(self) -> i64 {
        match self {
            Self::Free(wallet) => i64::try_from(wallet.number()).unwrap_or(i64::MAX),
            Self::Held(wallet) => Self::Free(wallet).number().saturating_neg(),
            Self::Owed(wallet) => Self::Free(wallet).number() | OWED,
            Self::House(House::Issued) => 1,
            Self::House(House::Granted) => 2,
            Self::House(House::Revenue) => 3,
            Self::House(House::Breakage) => 4,
            Self::Merchant(merchant) => {
                (i64::try_from(merchant.number()).unwrap_or(i64::MAX) | OWED).saturating_neg()
            }
            Self::House(House::Reclaimed) => 5,
            Self::House(House::Fees) => 6,
            Self::House(House::PaidOut) => 7,
            Self::House(House::ExchangedOut) => 8,
            Self::House(House::ExchangedIn) => 9,
        }
    }

    /// The wallet that it is part of, if it is of one.
    pub const fn wallet(self) -> Option<Id<Wallet>> {
        match self {
            Self::Free(wallet) | Self::Held(wallet) | Self::Owed(wallet) => Some(wallet),
            Self::Merchant(_) | Self::House(_) => None,
        }
    }

    /// The account stored under `number`; `None` for a number that stands for nothing.
    pub fn from_number(number: i64) -> Option<Self> {
        let house = House::ALL.iter().map(|house| Self::House(*house));
        match (house.into_iter().find(|account| account.number() == number), number) {
            (Some(account), _) => Some(account),
            (None, ..=MERCHANTS) => {
                Id::new(number.unsigned_abs() ^ OWED.unsigned_abs()).map(Self::Merchant)
            }
            (None, ..0) => Id::new(number.unsigned_abs()).map(Self::Held),
            (None, 0..=99) => None,
            (None, OWED..) => Id::new((number ^ OWED).unsigned_abs()).map(Self::Owed),
            (None, _) => Id::new(number.unsigned_abs()).map(Self::Free),
        }
    }
}

words! {
    /// Why tokens moved.
    pub enum Reason {
        /// Tokens were sold for money.
        TopUp = "top_up",
        /// The vendor put tokens in or took them out by hand.
        Adjustment = "adjustment",
        /// The vendor gave tokens without payment.
        Grant = "grant",
        /// An order was paid.
        Purchase = "purchase",
        /// Tokens of an order went back.
        Refund = "refund",
        /// Tokens have expired.
        Expiry = "expiry",
        /// Tokens were taken back, or are owed, because the money went back or may.
        Clawback = "clawback",
        /// What was taken back or owed is given back, or owed no more.
        Restored = "restored",
        /// Tokens were reserved for a merchant.
        Hold = "hold",
        /// What was reserved is the merchant's.
        Capture = "capture",
        /// What was reserved is free again.
        Void = "void",
        /// What a provider keeps of a capture.
        Fee = "fee",
        /// A merchant was paid for what it has earned.
        Payout = "payout",
        /// What was owed was paid, or came back because it is owed no more.
        Debt = "debt",
        /// Tokens were reserved for an exchange.
        ExchangeHold = "exchange_hold",
        /// What was reserved for an exchange is free again.
        ExchangeVoid = "exchange_void",
        /// Tokens were given for a partner's, or issued for them.
        Exchange = "exchange",
        /// What was given for a partner's tokens came back, because there will be none.
        Reversal = "reversal",
    }
}

/// One immutable movement from one ledger account to another. A reversal is a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub id: Id<Self>,
    /// The account that gives.
    pub debit: LedgerAccount,
    /// The account that receives.
    pub credit: LedgerAccount,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
    /// What it belongs to: the order, the top-up.
    pub subject: Subject,
    /// When.
    pub at: Timestamp,
}

impl Transfer {
    /// What it belongs to, as people know it: the reason says of which kind that is.
    pub fn subject_name(&self) -> String {
        let Subject(number) = self.subject;
        let wallet = [self.debit, self.credit].into_iter().find_map(LedgerAccount::wallet);
        let own = wallet.is_some_and(|wallet| wallet.number() == number);
        match self.reason {
            Reason::Payout => named::<Payout>(number),
            Reason::Hold | Reason::Capture | Reason::Void | Reason::Fee => {
                named::<PurchaseRequest>(number)
            }
            Reason::Refund if matches!(self.debit, LedgerAccount::Merchant(_)) => {
                named::<PurchaseRequest>(number)
            }
            Reason::ExchangeHold | Reason::ExchangeVoid | Reason::Exchange | Reason::Reversal => {
                named::<Exchange>(number)
            }
            Reason::Purchase | Reason::Refund => named::<Order>(number),
            Reason::TopUp | Reason::Adjustment | Reason::Clawback | Reason::Restored => {
                named::<TopUp>(number)
            }
            Reason::Grant => named::<Lot>(number),
            // What came back of a paid debt belongs to the top-up whose dispute was won.
            Reason::Debt if !own => named::<TopUp>(number),
            Reason::Debt | Reason::Expiry => named::<Wallet>(number),
        }
    }
}

/// The id of a `T`.
fn named<T: Kind>(number: u64) -> String {
    Id::<T>::new(number).map(|id| id.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ledger_accounts_round_trip_through_their_numbers() {
        let wallet = Id::new(1 << 40).unwrap();
        let mut accounts = vec![LedgerAccount::Free(wallet), LedgerAccount::Held(wallet)];
        accounts.push(LedgerAccount::Owed(wallet));
        accounts.push(LedgerAccount::Merchant(Id::new(1 << 40).unwrap()));
        accounts.push(LedgerAccount::Merchant(Id::new(0).unwrap()));
        accounts.extend(House::ALL.iter().map(|house| LedgerAccount::House(*house)));
        for account in accounts {
            assert_eq!(LedgerAccount::from_number(account.number()), Some(account));
        }
        assert_eq!(LedgerAccount::from_number(0), None);
        assert_eq!(LedgerAccount::from_number(50), None);
    }

    #[test]
    fn counters_stop_before_they_overflow() {
        let full = Counters { debits: Counters::MAX, credits: Counters::MAX };
        assert_eq!(full.debited(Amount::new(1).unwrap()), None);
        assert_eq!(full.credited(Amount::new(1).unwrap()), None);
        assert!(full.above_floor());
    }
}
