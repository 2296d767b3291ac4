//! Statements and settlements: what two vendors owe each other for a cycle, and how it is paid.
//!
//! ```text
//! (open: commits belong to it) ──close──▶ closing ──all our commits are answered──▶ closed, told to the partner
//!    closed ──both say the same──▶ agreed ──nothing to pay──▶ settled
//!       └──they differ──▶ disputed ──mended, compared again──▶ agreed
//!    agreed ──the debtor instructs──▶ instructed ──it has gone out──▶ sent ──the creditor has it──▶ settled
//!                    └──────────────────────────────────────────────┴──creditor gives up──▶ written_off
//! ```
//! A cycle is a number that counts up. Either side closes it: then its own next commit belongs to the next number, and as soon as
//! none of its commits in the closed one waits for an answer, it signs what it has booked. The other does the same when it hears of
//! it. What both owe is compared item by item, netted, and rounded towards zero to the currency's smallest unit;
//! what that leaves is carried into the next statement, which is signed once this one is agreed.
//!
//! What a side owes is final when it signs: each of its commits was answered. What the *other* owes may still grow then,
//! by commits that were made before it heard of the close. So that half is reckoned anew once the other's account is
//! there, and the account signed again; it says that it is [final](crate::document::exchange::Account::is_final).

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use crate::agreement::Agreement;
use crate::amount::{Amount, Money, Unit};
use crate::document::exchange::Account;
use crate::exchange::Exchange;
use crate::id::Id;
use crate::partner::{MICRO_SCALE, Partner, Side};
use crate::time::{Span, Timestamp};
use crate::words;

/// How long after the day on which it was to be paid a partner is suspended.
pub const PATIENCE: Span = Span::days(7);
/// The most exchanges of a disputed statement that are listed.
pub const MAX_DIFFERENCES: usize = 200;

words! {
    /// Where a statement stands.
    pub enum StatementState {
        /// Commits of ours in this cycle wait for their answers.
        Closing = "closing",
        /// It is signed here, and the partner has not said the same yet.
        Closed = "closed",
        /// Both say the same.
        Agreed = "agreed",
        /// They differ; the items are listed.
        Disputed = "disputed",
        /// The debtor has told its bank.
        Instructed = "instructed",
        /// The money has gone out.
        Sent = "sent",
        /// The creditor has it, or there was nothing to pay.
        Settled = "settled",
        /// The creditor has given up.
        WrittenOff = "written_off",
    }
}

/// What is owed for one cycle, in millionths of the currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name here.
    pub id: Id<Self>,
    /// With whom.
    pub partner: Id<Partner>,
    /// The cycle.
    pub cycle: u32,
    /// The agreement in force when it was closed.
    pub agreement: Id<Agreement>,
    /// Where it stands.
    pub state: StatementState,
    /// When the cycle began here.
    pub from: Timestamp,
    /// When it was closed here.
    pub to: Timestamp,
    /// What we owe for it, and for how many exchanges.
    pub gross_out: Amount,
    /// How many.
    pub count_out: u64,
    /// The SHA-256 over those, in order.
    pub digest_out: [u8; 32],
    /// What the partner owes for it.
    pub gross_in: Amount,
    /// For how many.
    pub count_in: u64,
    /// The SHA-256 over those.
    pub digest_in: [u8; 32],
    /// What rounding left of the cycle before: above zero we owe it, below the partner does. Millionths.
    pub carried_in: i64,
    /// What rounding leaves of this one.
    pub carried_out: i64,
    /// The net amount in the currency's smallest unit: above zero we pay, below the partner does.
    pub net: i64,
    /// What we have signed.
    pub ours: Option<String>,
    /// What the partner has signed.
    pub theirs: Option<String>,
    /// When both agreed.
    pub agreed_at: Option<Timestamp>,
    /// Until when it is to be paid.
    pub pay_until: Option<Timestamp>,
    /// When something is to be done next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

/// An exchange about which two statements differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which statement.
    pub statement: Id<Statement>,
    /// Whether it is one that we committed.
    pub ours: bool,
    /// The issuing vendor's name of it.
    pub exchange: Id<Exchange>,
    /// What we have booked for it, in millionths; none: nothing.
    pub here: Option<Amount>,
    /// What the partner says that it has booked.
    pub there: Option<Amount>,
}

words! {
    /// How a statement is paid.
    pub enum SettlementMethod {
        /// Somebody pays, and records it.
        Recorded = "recorded",
        /// A file for a bank (ISO 20022 pain.001.001.09).
        Pain001 = "pain001",
    }
}

words! {
    /// Where a payment between partners stands.
    pub enum SettlementState {
        /// The debtor has told its bank.
        Instructed = "instructed",
        /// The money has gone out.
        Sent = "sent",
        /// The creditor has it.
        Settled = "settled",
        /// The creditor has given up.
        WrittenOff = "written_off",
    }
}

/// The payment of a statement's net amount, kept on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Its name here.
    pub id: Id<Self>,
    /// Of which statement.
    pub statement: Id<Statement>,
    /// With whom.
    pub partner: Id<Partner>,
    /// What it is found by on a bank's statement, the same on both sides (`EndToEndId`): at most 35 characters.
    pub reference: String,
    /// How it is paid; known to the debtor.
    pub method: Option<SettlementMethod>,
    /// Where it stands.
    pub state: SettlementState,
    /// How much.
    pub money: Money,
    /// When it was instructed, or came to be known here.
    pub at: Timestamp,
    /// When it was settled or given up.
    pub ended_at: Option<Timestamp>,
    /// What the creditor has signed that it has it.
    pub receipt: Option<String>,
    /// When the partner is told next.
    pub due_at: Option<Timestamp>,
    /// How often that was tried.
    pub attempts: u32,
}

/// A key with which the receipt of a payment was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementKey {
    /// The number of the idempotency key.
    pub key: u64,
    /// The number of what was asked for.
    pub fingerprint: u64,
    /// The payment.
    pub settlement: Id<Settlement>,
}

impl StatementState {
    /// Whether both sides have said the same: it never changes any more but by being paid.
    pub const fn is_agreed(self) -> bool {
        match self {
            Self::Closing | Self::Closed | Self::Disputed => false,
            Self::Agreed | Self::Instructed | Self::Sent | Self::Settled | Self::WrittenOff => true,
        }
    }

    /// Whether its net amount is still to be paid.
    pub const fn is_unpaid(self) -> bool {
        matches!(self, Self::Agreed | Self::Instructed | Self::Sent)
    }
}

impl SettlementState {
    /// The state of its statement.
    pub const fn of_statement(self) -> StatementState {
        match self {
            Self::Instructed => StatementState::Instructed,
            Self::Sent => StatementState::Sent,
            Self::Settled => StatementState::Settled,
            Self::WrittenOff => StatementState::WrittenOff,
        }
    }
}

/// An exchange, as it is booked for a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleItem {
    /// The issuing vendor's name of it.
    pub exchange: Id<Exchange>,
    /// What is owed for it, in millionths.
    pub compensation: Amount,
}

/// What one side owes for a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    /// How much, in millionths.
    pub gross: Amount,
    /// For how many exchanges.
    pub count: u64,
    /// The SHA-256 over them, in order.
    pub digest: [u8; 32],
}

/// Adds up the exchanges of a cycle, which come in order of their names.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    gross: Amount,
    count: u64,
    digest: Sha256,
}

impl Tally {
    /// With one more; `None` out of range.
    #[must_use]
    pub fn with(mut self, item: CycleItem) -> Option<Self> {
        self.gross = self.gross.checked_add(item.compensation)?;
        self.count = self.count.checked_add(1)?;
        let line = format!("{} {}\n", item.exchange, item.compensation.units());
        self.digest.update(line.as_bytes());
        Some(self)
    }

    /// The sum.
    pub fn half(self) -> Half {
        Half { gross: self.gross, count: self.count, digest: self.digest.finalize().into() }
    }
}

/// What is to be paid, and what rounding leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// In the currency's smallest unit: above zero we pay, below the partner does.
    pub net: i64,
    /// In millionths, less than one smallest unit: above zero we owe it still, below the partner does.
    pub carried_out: i64,
}

/// How many millionths a currency's smallest unit is.
pub fn micros_of(currency: Unit) -> i64 {
    let decimals = MICRO_SCALE.saturating_sub(currency.currency_scale());
    10_i64.saturating_pow(u32::from(decimals))
}

/// What is left of what two owe each other; `None` out of range. Rounded towards zero, so that each side reckons the
/// same with the signs changed.
pub fn net(out: Amount, back: Amount, carried_in: i64, currency: Unit) -> Option<Net> {
    let wide = |amount: Amount| i64::try_from(amount.units()).ok();
    let owed = wide(out)?.checked_sub(wide(back)?)?.checked_add(carried_in)?;
    let unit = micros_of(currency);
    Some(Net { net: owed.checked_div(unit)?, carried_out: owed.checked_rem(unit)? })
}

/// What is booked when a statement is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// What both owe each other no more because it went up: taken from both sides.
    pub netting: Amount,
    /// What was paid, in millionths.
    pub payment: Amount,
    /// From which side the payment is taken.
    pub side: Side,
}

impl Statement {
    /// A cycle that is closed here: what is in it is reckoned as soon as it is all answered.
    pub fn closing(
        id: Id<Self>,
        partner: &Partner,
        agreement: Id<Agreement>,
        at: Timestamp,
    ) -> Self {
        let nothing = Tally::default().half();
        Self {
            id,
            partner: partner.id,
            cycle: partner.cycle,
            agreement,
            state: StatementState::Closing,
            from: partner.cycle_began_at,
            to: at,
            gross_out: nothing.gross,
            count_out: nothing.count,
            digest_out: nothing.digest,
            gross_in: nothing.gross,
            count_in: nothing.count,
            digest_in: nothing.digest,
            carried_in: 0,
            carried_out: 0,
            net: 0,
            ours: None,
            theirs: None,
            agreed_at: None,
            pay_until: None,
            due_at: Some(at),
            attempts: 0,
        }
    }

    /// With these sums; `None` out of range.
    #[must_use]
    pub fn with(self, out: Half, back: Half, carried_in: i64, currency: Unit) -> Option<Self> {
        let Net { net, carried_out } = net(out.gross, back.gross, carried_in, currency)?;
        Some(Self {
            gross_out: out.gross,
            count_out: out.count,
            digest_out: out.digest,
            gross_in: back.gross,
            count_in: back.count,
            digest_in: back.digest,
            carried_in,
            carried_out,
            net,
            ..self
        })
    }

    /// What is booked when it is settled: the smaller of what both owe goes up on both sides, and the payment takes from
    /// the larger what is left, but for what is carried. `None` out of range.
    pub fn settling(&self, currency: Unit) -> Option<Settling> {
        let carried = |owed: i64| u64::try_from(owed).ok().and_then(Amount::new);
        let ours = carried(self.carried_in.max(0))?;
        let theirs = carried(self.carried_in.checked_neg()?.max(0))?;
        let out = self.gross_out.checked_add(ours)?;
        let back = self.gross_in.checked_add(theirs)?;
        let micros = u64::try_from(micros_of(currency)).ok()?;
        let payment = self.net.unsigned_abs().checked_mul(micros).and_then(Amount::new)?;
        let side = if self.net >= 0 { Side::Payable } else { Side::Receivable };
        Some(Settling { netting: out.min(back), payment, side })
    }

    /// The net amount, whoever pays it; `None` out of range.
    pub fn money(&self, currency: Unit) -> Option<Money> {
        Amount::new(self.net.unsigned_abs()).map(|amount| Money { amount, unit: currency })
    }
}

/// The partner, with so much less owed on a side; `None` when less is owed than that.
pub fn lessened(partner: &Partner, side: Side, amount: Amount) -> Option<Partner> {
    let (mut payable, mut receivable) = (partner.payable, partner.receivable);
    match side {
        Side::Payable => payable = payable.debited(amount).filter(|sum| sum.above_floor())?,
        Side::Receivable => {
            receivable = receivable.credited(amount).filter(|sum| sum.debits >= sum.credits)?;
        }
    }
    Some(Partner { payable, receivable, ..partner.clone() })
}

/// How the partner's account compares with ours, which is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// Both say the same.
    Same,
    /// The partner had not heard ours when it said that: it will say it anew.
    NotYet,
    /// They differ.
    Differ,
}

/// Compares two accounts of one cycle.
pub fn compared(ours: &Account, theirs: &Account) -> Compared {
    let out =
        |account: &Account| (account.gross_out, account.count_out, account.digest_out.clone());
    let back = |account: &Account| (account.gross_in, account.count_in, account.digest_in.clone());
    let mirrored = ours.currency == theirs.currency
        && ours.cycle == theirs.cycle
        && back(ours) == out(theirs)
        && ours.carried_in.checked_neg() == Some(theirs.carried_in);
    match (mirrored, out(ours) == back(theirs)) {
        (true, true) => Compared::Same,
        (true, false) if !theirs.is_final => Compared::NotYet,
        _ => Compared::Differ,
    }
}

impl Account {
    /// Whether its net amount and what it carries follow from its sums.
    pub fn adds_up(&self) -> bool {
        let said = Net { net: self.net, carried_out: self.carried_out };
        net(self.gross_out, self.gross_in, self.carried_in, self.currency) == Some(said)
    }
}

/// An exchange of which two lists say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unlike {
    /// The issuing vendor's name of it.
    pub exchange: Id<Exchange>,
    /// What the first list says.
    pub here: Option<Amount>,
    /// What the second says.
    pub there: Option<Amount>,
}

/// Compares two lists in order of names, as far as both have come: takes what it has compared off their fronts. An `ended` list
/// has nothing more to come.
pub fn unlike(
    here: &mut VecDeque<CycleItem>,
    there: &mut VecDeque<CycleItem>,
    (here_ended, there_ended): (bool, bool),
) -> Vec<Unlike> {
    let mut found = Vec::new();
    loop {
        let (ours, theirs) = (here.front().copied(), there.front().copied());
        let (ours, theirs) = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (
                Some(ours).filter(|ours| ours.exchange <= theirs.exchange),
                Some(theirs).filter(|theirs| theirs.exchange <= ours.exchange),
            ),
            (Some(ours), None) if there_ended => (Some(ours), None),
            (None, Some(theirs)) if here_ended => (None, Some(theirs)),
            _ => return found,
        };
        if ours.is_some() {
            here.pop_front();
        }
        if theirs.is_some() {
            there.pop_front();
        }
        let said = |item: Option<CycleItem>| item.map(|item| item.compensation);
        if let Some(item) = ours.or(theirs).filter(|_| said(ours) != said(theirs)) {
            let (here, there) = (said(ours), said(theirs));
            found.push(Unlike { exchange: item.exchange, here, there });
        }
    }
}

/// What the payment of a cycle is called, the same on both sides: a bank carries it unchanged.
pub fn reference(debtor: &str, creditor: &str, cycle: u32) -> String {
    let digest = Sha256::digest(format!("settlement\0{debtor}\0{creditor}\0{cycle}"));
    let bits = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let symbols = scrip_license::base32::encode_lower(bits >> 1);
    let symbols = std::str::from_utf8(&symbols).unwrap_or_default().to_ascii_uppercase();
    format!("SCRIP-{symbols}-{cycle}")
}

#[cfg(test)]
mod tests;
