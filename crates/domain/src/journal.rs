//! Journals: the whole ledger, and the money that was paid for it, as accountants' programs read it.
//!
//! ```text
//! units ─▶ accounts ─▶ opening balances ─▶ entries, oldest first ─▶ closing balances
//! ```
//! Whoever reads the books tells them as [`Sheet`]s in that order; a [`Journal`] writes each of them in its
//! format and holds nothing but what money accounts have. Signs are those of double entry: what is debited is
//! positive, so that assets and expenses are, and an entry sums to zero in each unit.
//!
//! A new source of entries is a variant of [`Fact`] with its postings, and the accounts that it needs.

mod format;
mod write;

use std::fmt;

use crate::account::Account;
use crate::amount::{Amount, Money, Unit};
use crate::credit_line::Repayment;
use crate::id::Id;
use crate::ledger::{House, LedgerAccount, Transfer};
use crate::merchant::Merchant;
use crate::partner::{EntryKind, MICRO_SCALE, Partner, PartnerEntry, Side};
use crate::reversal::{Reversal, ReversalKind, ReversalState};
use crate::settings::Token;
use crate::time::Timestamp;
use crate::top_up::{Remittance, TopUp};
use crate::words;

pub use format::field;
pub use write::Journal;

words! {
    /// For which program a journal is written.
    pub enum Format {
        /// hledger's journal.
        Hledger = "hledger",
        /// Beancount's.
        Beancount = "beancount",
        /// A table, one posting a row.
        Csv = "csv",
    }
}

/// An account of the chart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JournalAccount {
    /// What an account can spend.
    Available(Id<Account>),
    /// What holds have reserved of it.
    Held(Id<Account>),
    /// Tokens that an account owes.
    Owed(Id<Account>),
    /// What a merchant has earned.
    Merchant(Id<Merchant>),
    /// One of the vendor's own.
    House(House),
    /// Money, by where it came in or went out: a processor, or a way of paying.
    Money(String),
    /// Money that an account owes for tokens that were lent.
    CreditLine(Id<Account>),
    /// Money that a bank has until a dispute is decided.
    Disputed,
    /// Money that was paid for tokens, without what went back or was paid out.
    TokensSold,
    /// Money that is on its way back.
    RefundsDue,
    /// Money that a processor took for a top-up that brought nothing, and has not given back.
    Unapplied,
    /// What processors keep.
    Processing,
    /// What is owed to a partner.
    Payable(Id<Partner>),
    /// What a partner owes.
    Receivable(Id<Partner>),
    /// What partners are owed for tokens that they issued for ours.
    ExchangeCost,
    /// What partners owe for tokens that were issued for theirs.
    ExchangeIncome,
    /// What partners have not paid and will not.
    WriteOffs,
}

impl JournalAccount {
    /// The account of the chart for a side of a transfer; `None` for a wallet without its `owner`.
    pub fn of(side: LedgerAccount, owner: Option<Id<Account>>) -> Option<Self> {
        match side {
            LedgerAccount::Free(_) => owner.map(Self::Available),
            LedgerAccount::Held(_) => owner.map(Self::Held),
            LedgerAccount::Owed(_) => owner.map(Self::Owed),
            LedgerAccount::Merchant(merchant) => Some(Self::Merchant(merchant)),
            LedgerAccount::House(house) => Some(Self::House(house)),
        }
    }

    /// Those that every journal has.
    pub fn always() -> [Self; 11] {
        let till = |name: &str| Self::Money(name.to_owned());
        [
            till(REPAYMENTS),
            till(PAYOUTS),
            till(SETTLEMENTS),
            Self::ExchangeCost,
            Self::ExchangeIncome,
            Self::WriteOffs,
            Self::Disputed,
            Self::TokensSold,
            Self::RefundsDue,
            Self::Unapplied,
            Self::Processing,
        ]
    }
}

/// Where repayments of what was lent come in.
const REPAYMENTS: &str = "repayments";
/// Where payouts to merchants go out.
const PAYOUTS: &str = "payouts";
/// Where partners pay each other.
const SETTLEMENTS: &str = "settlements";

impl fmt::Display for JournalAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available(of) => write!(f, "Liabilities:Wallets:{}:Available", part(of)),
            Self::Held(of) => write!(f, "Liabilities:Wallets:{}:Held", part(of)),
            Self::Owed(of) => write!(f, "Assets:Owed:{}", part(of)),
            Self::Merchant(of) => write!(f, "Liabilities:Merchants:{}", part(of)),
            Self::House(house) => f.write_str(match house {
                House::Issued => "Equity:Issued",
                House::Granted => "Equity:Granted",
                House::Revenue => "Income:Sales",
                House::Breakage => "Income:Breakage",
                House::Reclaimed => "Equity:Reclaimed",
                House::Fees => "Income:Fees",
                House::PaidOut => "Equity:PaidOut",
                House::ExchangedOut => "Equity:ExchangedOut",
                House::ExchangedIn => "Equity:ExchangedIn",
            }),
            Self::Money(till) => write!(f, "Assets:Money:{}", part(till)),
            Self::CreditLine(of) => write!(f, "Assets:CreditLines:{}", part(of)),
            Self::Disputed => f.write_str("Assets:Disputed"),
            Self::TokensSold => f.write_str("Liabilities:TokensSold"),
            Self::RefundsDue => f.write_str("Liabilities:RefundsDue"),
            Self::Unapplied => f.write_str("Liabilities:Unapplied"),
            Self::Processing => f.write_str("Expenses:Processing"),
            Self::Payable(to) => write!(f, "Liabilities:Partners:{}", part(to)),
            Self::Receivable(of) => write!(f, "Assets:Partners:{}", part(of)),
            Self::ExchangeCost => f.write_str("Expenses:Exchange"),
            Self::ExchangeIncome => f.write_str("Income:Exchange"),
            Self::WriteOffs => f.write_str("Expenses:WriteOffs"),
        }
    }
}

/// A part of an account's name as Beancount demands it, which is stricter than hledger: letters, digits and
/// dashes, and no small letter first. `acc_06bq` is `Acc-06bq`.
fn part(name: &impl fmt::Display) -> String {
    let name = name.to_string();
    let mut letters = name.chars();
    let first = letters.next().filter(char::is_ascii_alphanumeric).unwrap_or('X');
    let rest = letters.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    std::iter::once(first.to_ascii_uppercase()).chain(rest).collect()
}

/// So many smallest units of something; debits are above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub units: i128,
    /// Of what.
    pub unit: Unit,
    /// With how many decimals they are written.
    pub scale: u8,
}

/// A line of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Which account.
    pub account: JournalAccount,
    /// What is booked there.
    pub figure: Figure,
}

/// What happened at one time, in postings that sum to zero in each unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The row that says so.
    pub id: String,
    /// Why, as a stable word.
    pub reason: &'static str,
    /// What it belongs to.
    pub subject: String,
    /// The lines.
    pub postings: Vec<Posting>,
}

/// Where money came from that moved with tokens, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payer {
    /// It came in by this way, or through this processor.
    Till(String),
    /// It is owed by this account.
    CreditLine(Id<Account>),
    /// It went out to a merchant.
    Payout,
}

/// Money that moved together with tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// How much.
    pub money: Money,
    /// Where it came from, or went.
    pub payer: Payer,
}

/// Something that the books know happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Tokens moved, and money with them.
    Moved {
        /// The transfer.
        transfer: Transfer,
        /// The account that it debits.
        debit: JournalAccount,
        /// The account that it credits.
        credit: JournalAccount,
        /// What was paid for the tokens, or with a payout for those of a merchant.
        paid: Option<Paid>,
    },
    /// Money came that was too little for a token.
    Remitted {
        /// Under which name.
        id: Id<Remittance>,
        /// For which top-up.
        top_up: Id<TopUp>,
        /// How much.
        money: Money,
        /// When.
        at: Timestamp,
    },
    /// Money of a top-up goes back, or may: the beginning of a reversal, or its end.
    Reversed {
        /// Which.
        id: Id<Reversal>,
        /// Of which top-up.
        top_up: Id<TopUp>,
        /// Why.
        kind: ReversalKind,
        /// How it ended; none while it only began.
        ended: Option<ReversalState>,
        /// How much.
        money: Money,
        /// Where it had come in.
        till: String,
        /// When.
        at: Timestamp,
    },
    /// Something that was lent was paid.
    Repaid {
        /// Which.
        id: Id<Repayment>,
        /// Whose.
        account: Id<Account>,
        /// How much.
        money: Money,
        /// When.
        at: Timestamp,
    },
    /// What a processor keeps of a payment.
    Kept {
        /// For which top-up.
        top_up: Id<TopUp>,
        /// How much.
        money: Money,
        /// Which processor.
        till: String,
        /// When.
        at: Timestamp,
    },
    /// What a processor took for a top-up that brought nothing, and has not given back by now.
    Unapplied {
        /// For which top-up.
        top_up: Id<TopUp>,
        /// How much.
        money: Money,
        /// Which processor.
        till: String,
        /// When.
        at: Timestamp,
    },
    /// What is owed between us and a partner changed. Of what went up in one payment only what we owed is told:
    /// what the partner owed is the other side of the same entry.
    Between {
        /// The change.
        entry: PartnerEntry,
        /// The currency in which the two settle, in millionths.
        unit: Unit,
    },
}

/// Every reason of an entry that is not the reason of a transfer.
const REASONS: [&str; 17] = [
    "opening_balances",
    "closing_balances",
    "remittance",
    "refund_due",
    "refund_failed",
    "refund_paid",
    "dispute_opened",
    "dispute_won",
    "dispute_lost",
    "repayment",
    "processing_fee",
    "unapplied",
    "compensation",
    "compensation_reversed",
    "netting",
    "settlement",
    "settlement_written_off",
];

impl Fact {
    /// When.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Moved { transfer, .. } => transfer.at,
            Self::Remitted { at, .. }
            | Self::Reversed { at, .. }
            | Self::Repaid { at, .. }
            | Self::Kept { at, .. }
            | Self::Unapplied { at, .. } => *at,
            Self::Between { entry, .. } => entry.at,
        }
    }

    /// The entry that says so.
    pub fn entry(&self, token: &Token) -> Entry {
        let at = self.at();
        let till = |till: &String| JournalAccount::Money(till.clone());
        let entry = |id: String, reason, subject: String, postings| Entry {
            at,
            id,
            reason,
            subject,
            postings: Vec::from(postings),
        };
        match self {
            Self::Moved { transfer, debit, credit, paid: money } => {
                let mut postings = Vec::from(tokens((debit, credit), transfer.amount, token));
                let money = money.iter().filter(|paid| !paid.money.amount.is_zero());
                postings.extend(money.flat_map(paid));
                let (id, reason) = (transfer.id.to_string(), transfer.reason.as_str());
                Entry { at, id, reason, subject: transfer.subject_name(), postings }
            }
            Self::Remitted { id, top_up, money, .. } => {
                let offline = JournalAccount::Money("offline".to_owned());
                let postings = pair(offline, JournalAccount::TokensSold, *money);
                entry(id.to_string(), "remittance", top_up.to_string(), postings)
            }
            Self::Reversed { id, top_up, kind, ended, money, till, .. } => {
                let (reason, debit, credit) = reversed(*kind, *ended, till);
                entry(id.to_string(), reason, top_up.to_string(), pair(debit, credit, *money))
            }
            Self::Repaid { id, account, money, .. } => {
                let cash = JournalAccount::Money(REPAYMENTS.to_owned());
                let postings = pair(cash, JournalAccount::CreditLine(*account), *money);
                entry(id.to_string(), "repayment", account.to_string(), postings)
            }
            Self::Kept { top_up, money, till: name, .. } => {
                let postings = pair(JournalAccount::Processing, till(name), *money);
                entry(top_up.to_string(), "processing_fee", top_up.to_string(), postings)
            }
            Self::Unapplied { top_up, money, till: name, .. } => {
                let postings = pair(till(name), JournalAccount::Unapplied, *money);
                entry(top_up.to_string(), "unapplied", top_up.to_string(), postings)
            }
            Self::Between { entry: change, unit } => {
                let (reason, debit, credit) = between(change);
                let postings = fine_pair(debit, credit, change.amount, *unit);
                entry(change.id.to_string(), reason, change.subject_name(), postings)
            }
        }
    }
}

/// Tokens from one account to another.
fn tokens(of: (&JournalAccount, &JournalAccount), amount: Amount, token: &Token) -> [Posting; 2] {
    let figure = |units| Figure { units, unit: token.code, scale: token.scale };
    let units = i128::from(amount.units());
    [
        Posting { account: of.0.clone(), figure: figure(units) },
        Posting { account: of.1.clone(), figure: figure(units.saturating_neg()) },
    ]
}

/// What was paid for tokens.
fn paid(Paid { money, payer }: &Paid) -> [Posting; 2] {
    let sold = JournalAccount::TokensSold;
    match payer {
        Payer::Till(till) => pair(JournalAccount::Money(till.clone()), sold, *money),
        Payer::CreditLine(account) => pair(JournalAccount::CreditLine(*account), sold, *money),
        Payer::Payout => pair(sold, JournalAccount::Money(PAYOUTS.to_owned()), *money),
    }
}

/// The word for a step of a reversal, and what it debits and credits.
fn reversed(
    kind: ReversalKind,
    ended: Option<ReversalState>,
    till: &str,
) -> (&'static str, JournalAccount, JournalAccount) {
    use JournalAccount::{Disputed, RefundsDue, TokensSold};
    let cash = JournalAccount::Money(till.to_owned());
    match (kind, ended) {
        (ReversalKind::Dispute, None) => ("dispute_opened", Disputed, cash),
        (ReversalKind::Dispute, Some(ReversalState::Won)) => ("dispute_won", cash, Disputed),
        (ReversalKind::Dispute, Some(_)) => ("dispute_lost", TokensSold, Disputed),
        (_, None) => ("refund_due", TokensSold, RefundsDue),
        (_, Some(ReversalState::Failed)) => ("refund_failed", RefundsDue, TokensSold),
        (_, Some(_)) => ("refund_paid", RefundsDue, cash),
    }
}

/// The word for a change of what is owed between partners, and what it debits and credits.
fn between(entry: &PartnerEntry) -> (&'static str, JournalAccount, JournalAccount) {
    use JournalAccount::{ExchangeCost, ExchangeIncome, Payable, Receivable, WriteOffs};
    let own = match entry.side {
        Side::Payable => Payable(entry.partner),
        Side::Receivable => Receivable(entry.partner),
    };
    let value = match entry.side {
        Side::Payable => ExchangeCost,
        Side::Receivable => ExchangeIncome,
    };
    let cash = || JournalAccount::Money(SETTLEMENTS.to_owned());
    let (reason, other) = match entry.kind {
        EntryKind::Exchange => ("compensation", value),
        EntryKind::Reversal => ("compensation_reversed", value),
        EntryKind::Netting => ("netting", Receivable(entry.partner)),
        EntryKind::Payment => ("settlement", cash()),
        EntryKind::WriteOff => ("settlement_written_off", WriteOffs),
    };
    // What we owe grows by credits, what we are owed by debits.
    if entry.adds() == (entry.side == Side::Receivable) {
        (reason, own, other)
    } else {
        (reason, other, own)
    }
}

/// Money from one account to another.
fn pair(debit: JournalAccount, credit: JournalAccount, money: Money) -> [Posting; 2] {
    let Money { amount, unit } = money;
    moved(debit, credit, amount, |units| Figure { units, unit, scale: unit.currency_scale() })
}

/// The same in millionths.
fn fine_pair(
    debit: JournalAccount,
    credit: JournalAccount,
    amount: Amount,
    unit: Unit,
) -> [Posting; 2] {
    moved(debit, credit, amount, |units| Figure { units, unit, scale: MICRO_SCALE })
}

fn moved(
    debit: JournalAccount,
    credit: JournalAccount,
    amount: Amount,
    figure: impl Fn(i128) -> Figure,
) -> [Posting; 2] {
    let units = i128::from(amount.units());
    [
        Posting { account: debit, figure: figure(units) },
        Posting { account: credit, figure: figure(units.saturating_neg()) },
    ]
}

/// What the books tell of themselves, in the order in which a journal is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// A currency in which partners settle, in millionths. Such are told before all others.
    FineCurrency(Unit),
    /// A currency that occurs.
    Currency(Unit),
    /// An account that has ever been booked on, and what else it is called.
    Account(JournalAccount, Option<String>),
    /// The tokens of an account when the journal begins; debits are above zero.
    Opening(JournalAccount, i128),
    /// Something that happened, oldest first. Of what happened before the journal begins, only what moved money.
    Fact(Fact),
    /// The tokens of an account when the journal ends.
    Closing(JournalAccount, i128),
    /// The money that an account owes when the journal ends.
    Lent(Id<Account>, Amount, Unit),
    /// What is owed between us and a partner when the journal ends, in millionths; debits are above zero.
    Owed(JournalAccount, i128, Unit),
}

#[cfg(test)]
mod tests;
