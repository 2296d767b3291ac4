//! Top-ups: adding funds to a wallet.
//!
//! ```text
//!           ┌▶ declined                                    ┌▶ failed
//! assessing ┼▶ in_review ─▶ declined                       ├▶ cancelled
//!           │      └───────┐                               │
//!           └──────────────┴▶ authorizing ─▶ requires_action ─▶ authorized ─▶ capturing ─▶ credited
//!                                    └──────── unknown ────────────────┘
//! ```
//! Assessing is one decision, and stored by itself only while an external bureau is asked. By card, a processor is asked between the
//! states, and whatever it answers, or says unasked, is a picture of the payment that moves the top-up
//! (`scrip_engine::top_up`). `unknown` is where nobody knows: it is left by asking, never by guessing.
//! A decline by no person can be appealed against once, while nothing was reserved: then it is in review.
//! Authorized is where the processor's own assessment is looked at, which may put it to review, too.
//! What is paid by hand, by voucher, on credit or to the demo needs no processor and goes from assessing to its end.
//! Offline the buyer is to act, and what comes is credited part by part until all is there:
//!
//! ```text
//! assessing ─▶ requires_action ─▶ credited
//!                └▶ cancelled, by the buyer while nothing came, by staff at any time
//! ```
//! What was credited may be taken back, in parts (`crate::reversal`), and the top-up says so:
//!
//! ```text
//! credited ─▶ refunded, once all of the money went back
//!     └─────▶ disputed ─▶ dispute_won
//!                 └─────▶ dispute_lost
//! ```
//! Which of them it is follows from its reversals; an open dispute comes before a lost one, that before
//! a refund, that before a dispute that was won.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amount::{Amount, Money};
use crate::credit::{Assessment, CreditDecision, Source};
use crate::id::Id;
use crate::ledger::Transfer;
use crate::lot::Lot;
use crate::request::Request;
use crate::reversal::{Reversal, ReversalKind, ReversalState, Worth};
use crate::time::{Span, Timestamp};
use crate::words;

words! {
    /// Where a top-up stands.
    pub enum TopUpState {
        /// The bureau is asked what it thinks of the buyer.
        Assessing = "assessing",
        /// The credit assessment said no; nothing was charged, or it is given back.
        Declined = "declined",
        /// The credit assessment wants a person to look.
        InReview = "in_review",
        /// The processor is to reserve the money.
        Authorizing = "authorizing",
        /// The buyer must do something first.
        RequiresAction = "requires_action",
        /// The money is reserved.
        Authorized = "authorized",
        /// The processor is to take the money.
        Capturing = "capturing",
        /// The tokens are in the wallet.
        Credited = "credited",
        /// The card was declined, or the processor refused; nothing was charged.
        Failed = "failed",
        /// Given up; nothing was charged, or it is given back.
        Cancelled = "cancelled",
        /// Nobody knows; the processor is asked.
        Unknown = "unknown",
        /// It was credited, and all of the money went back.
        Refunded = "refunded",
        /// It was credited, and the buyer's bank has money of it for now.
        Disputed = "disputed",
        /// It was credited and disputed, and the vendor has the money again.
        DisputeWon = "dispute_won",
        /// It was credited and disputed, and the buyer has the money.
        DisputeLost = "dispute_lost",
    }
}

impl TopUpState {
    /// Whether nothing more can come of it but a refund or a dispute.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Declined | Self::Failed | Self::Cancelled) || self.was_credited()
    }

    /// Whether the tokens came, whatever became of them since.
    pub const fn was_credited(self) -> bool {
        matches!(
            self,
            Self::Credited | Self::Refunded | Self::Disputed | Self::DisputeWon | Self::DisputeLost
        )
    }
}

words! {
    /// How it is paid for.
    pub enum TopUpMethod {
        /// By card, through the vendor's processor.
        Card = "card",
        /// By bank transfer, cheque, money order or purchase order.
        Offline = "offline",
        /// With a voucher.
        Voucher = "voucher",
        /// On credit: the tokens now, the money later.
        CreditLine = "credit_line",
        /// The demo's approvals; in demo mode only.
        Demo = "demo",
        /// By hand, by an administrator.
        Administrator = "administrator",
    }
}

impl TopUpMethod {
    /// Where an approved top-up goes first.
    pub const fn once_approved(self) -> TopUpState {
        match self {
            Self::Card => TopUpState::Authorizing,
            Self::Offline => TopUpState::RequiresAction,
            Self::Voucher | Self::CreditLine | Self::Demo | Self::Administrator => {
                TopUpState::Credited
            }
        }
    }
}

/// Funds added, or the attempt to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Its name.
    pub id: Id<Self>,
    /// Whose wallet.
    pub account: Id<Account>,
    /// Where it stands.
    pub state: TopUpState,
    /// Why it failed, was cancelled or is unknown, as a stable word.
    pub reason: Option<String>,
    /// How it is paid for.
    pub method: TopUpMethod,
    /// With which of the account's payment methods.
    pub payment_method: Option<String>,
    /// The tokens it brings.
    pub tokens: Amount,
    /// What is paid for them.
    pub pay: Option<Money>,
    /// The recorded credit status, oldest first; never empty, and the last one decides.
    pub assessments: Vec<Assessment>,
    /// The payment at the processor, once it is known.
    pub payment: Option<Payment>,
    /// What it waits for, and what came of that, when it is paid offline.
    pub due: Option<Due>,
    /// The lots that it brought.
    pub lots: Vec<Id<Lot>>,
    /// What was taken back of it, if anything ever was.
    pub reversed: Option<Reversed>,
    /// What the buyer said against a decline.
    pub appeal: Option<Appeal>,
    /// What the administrator noted.
    pub note: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the tokens came.
    pub credited_at: Option<Timestamp>,
    /// The request that it answers.
    pub request: Option<Request>,
}

/// What somebody outside has to be asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The bureau: what it thinks of the buyer. All others are for the processor.
    Assess,
    /// To reserve the money; the same call again when nobody knows whether it did.
    Authorize,
    /// To take it.
    Capture,
    /// To let it go.
    Cancel,
    /// To give back what was taken and is not to be kept.
    Refund,
    /// What became of the payment.
    Ask,
    /// To give money back of a top-up that was credited.
    GiveBack,
    /// Whether anything became of the payment after it was credited.
    Watch,
}

/// After so many days a credited payment is asked for, lest a dispute is never heard of: most are
/// opened soon, and none later than 120 days.
const WATCHED: [u32; 5] = [1, 7, 30, 60, 120];
/// As long as one is open, so often afterwards.
const WATCHED_OPEN: Span = Span::days(30);

impl TopUp {
    /// What has to be asked, if anything.
    pub fn next_call(&self) -> Option<Call> {
        if self.state == TopUpState::Assessing {
            return Some(Call::Assess);
        }
        if self.method != TopUpMethod::Card {
            return None;
        }
        let left = self.pay.zip(self.payment.as_ref());
        let left = left.map(|(pay, payment)| payment.left_of(pay.amount));
        match (self.state, &self.payment) {
            (TopUpState::InReview, _) => None,
            (state, _) if state.was_credited() => {
                let pending = self.reversed.as_ref().is_some_and(|reversed| reversed.pending);
                Some(if pending { Call::GiveBack } else { Call::Watch })
            }
            (TopUpState::Authorizing | TopUpState::Unknown, None) => Some(Call::Authorize),
            (TopUpState::Capturing, Some(_)) => Some(Call::Capture),
            (TopUpState::Declined | TopUpState::Failed | TopUpState::Cancelled, payment) => {
                let payment = payment.as_ref()?;
                let taken = payment.charge.is_some() && left.is_some_and(|left| !left.is_zero());
                if taken { Some(Call::Refund) } else { payment.open.then_some(Call::Cancel) }
            }
            (_, _) => Some(Call::Ask),
        }
    }

    /// When the processor is to be asked next, after `at`, what became of a credited payment; `None` when
    /// nothing can become of it any more.
    pub fn watched_at(&self, at: Timestamp) -> Option<Timestamp> {
        let credited = self.credited_at?;
        let days = WATCHED.iter().map(|days| credited.plus(Span::days(*days)));
        let open = || (self.state == TopUpState::Disputed).then(|| at.plus(WATCHED_OPEN));
        days.into_iter().find(|due| *due > at).or_else(open)
    }

    /// What it was paid with, and what that brought; `None` while nothing came.
    pub fn worth(&self) -> Option<Worth> {
        let worth = match (&self.due, self.pay) {
            (Some(due), _) => Worth { money: due.received, tokens: due.brought },
            (None, _) if self.credited_at.is_none() => return None,
            (None, pay) => {
                Worth { money: pay.map_or(Amount::ZERO, |pay| pay.amount), tokens: self.tokens }
            }
        };
        (!worth.tokens.is_zero()).then_some(worth)
    }

    /// With what these, all of its own, say of it.
    #[must_use]
    pub fn reversed_by(mut self, all: &[Reversal]) -> Self {
        let sum = |counts: &dyn Fn(&Reversal) -> bool| {
            let counted = all.iter().filter(|one| one.state.in_force() && counts(one));
            counted.fold(Worth::default(), |sum, one| Worth {
                money: sum.money.checked_add(one.money).unwrap_or(Amount::MAX),
                tokens: sum.tokens.checked_add(one.tokens).unwrap_or(Amount::MAX),
            })
        };
        let disputed = sum(&|one| one.kind == ReversalKind::Dispute);
        let refunded = sum(&|one| one.state == ReversalState::Done);
        let any = |state| all.iter().any(|one| one.state == state);
        if self.state.was_credited() {
            self.state = match self.worth() {
                _ if any(ReversalState::Open) => TopUpState::Disputed,
                _ if any(ReversalState::Lost) => TopUpState::DisputeLost,
                Some(worth) if worth == refunded => TopUpState::Refunded,
                _ if any(ReversalState::Won) => TopUpState::DisputeWon,
                _ => TopUpState::Credited,
            };
        }
        let pending = any(ReversalState::Pending);
        self.reversed = (!all.is_empty()).then_some(Reversed {
            refunded: refunded.money,
            refunded_tokens: refunded.tokens,
            disputed: disputed.money,
            disputed_tokens: disputed.tokens,
            pending,
        });
        self
    }

    /// Where a decision leads.
    pub fn state_after(&self, decision: CreditDecision) -> TopUpState {
        match decision {
            CreditDecision::Approved => self.method.once_approved(),
            CreditDecision::Declined => TopUpState::Declined,
            CreditDecision::Review => TopUpState::InReview,
        }
    }

    /// When somebody last decided that it may go on.
    pub fn decided_at(&self) -> Timestamp {
        self.assessment().map_or(self.created_at, |assessment| assessment.decided_at)
    }

    /// The assessment that decides.
    pub fn assessment(&self) -> Option<&Assessment> {
        self.assessments.last()
    }

    /// What an offline top-up still waits for.
    pub fn left(&self) -> Option<Money> {
        let (pay, due) = (self.pay?, self.due.as_ref()?);
        Some(Money { amount: pay.amount.checked_sub(due.received)?, unit: pay.unit })
    }

    /// What `money` of what is left brings: its part of the tokens, rounded down, and with the last part
    /// all that is missing, so that the parts are never more than the whole. `None` when it is more than
    /// is left.
    pub fn part_for(&self, money: Amount) -> Option<Amount> {
        let (left, due) = (self.left()?.amount, self.due.as_ref()?);
        if money == left {
            return self.tokens.checked_sub(due.brought);
        }
        left.checked_sub(money)?;
        let whole = u128::from(self.pay?.amount.units());
        let part = u128::from(self.tokens.units()).checked_mul(u128::from(money.units()))?;
        Amount::new(u64::try_from(part.checked_div(whole)?).ok()?)
    }

    /// With a part of what is due: all of it makes the top-up credited.
    #[must_use]
    pub fn with(mut self, remittance: &Remittance) -> Self {
        if let Some(due) = &mut self.due {
            let add = |sum: Amount, more| sum.checked_add(more).unwrap_or(Amount::MAX);
            due.received = add(due.received, remittance.money.amount);
            due.brought = add(due.brought, remittance.tokens);
        }
        if self.left().is_some_and(|left| left.amount.is_zero()) {
            self.state = TopUpState::Credited;
            self.credited_at = Some(remittance.at);
        }
        self
    }

    /// As it was when the request with this key had brought its part, which is among `all`, the oldest
    /// first; `None` when it is not.
    pub fn as_of(self, request: u64, all: &[Remittance]) -> Option<(Self, &[Remittance])> {
        let place = all.iter().position(|one| one.request.key == request)?;
        let until = all.get(..=place)?;
        Some((until.iter().fold(self.at_first_due(), Self::with), until))
    }

    /// As it was when it began to wait for money.
    fn at_first_due(mut self) -> Self {
        let assessments = std::mem::take(&mut self.assessments);
        let mut first = self.at_first();
        first.state = TopUpState::RequiresAction;
        first.assessments = assessments;
        first
    }

    /// As it was when it was asked for, whatever became of it since: what a replay shows.
    #[must_use]
    pub fn at_first(mut self) -> Self {
        // The bureau's word, where it was asked, is always the second.
        let asked = self.state == TopUpState::Assessing
            || self.assessments.get(1).is_some_and(|second| second.source == Source::Bureau);
        self.assessments.truncate(1);
        let first = self.assessment().map(|assessment| assessment.decision);
        self.state = match first {
            _ if asked => TopUpState::Assessing,
            Some(decision) => self.state_after(decision),
            None => self.method.once_approved(),
        };
        if let Some(due) = &mut self.due {
            (due.received, due.brought) = (Amount::ZERO, Amount::ZERO);
        }
        if self.state != TopUpState::Credited {
            self.credited_at = None;
        }
        self.reason = None;
        self.payment = None;
        self.reversed = None;
        self.appeal = None;
        self
    }
}

/// What was taken back of a top-up: sums over its reversals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reversed {
    /// The money that went back.
    pub refunded: Amount,
    /// The tokens that were taken for it.
    pub refunded_tokens: Amount,
    /// The money that a bank took back, for now or for good.
    pub disputed: Amount,
    /// The tokens that were taken or are owed for it.
    pub disputed_tokens: Amount,
    /// Whether the processor is to give money back.
    pub pending: bool,
}

/// What the buyer of a declined top-up says to a person who shall look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appeal {
    /// In the buyer's words.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of the payment at the processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// Which processor.
    pub processor: String,
    /// The processor's name of it.
    pub name: String,
    /// Whether money is reserved there, or still may be.
    pub open: bool,
    /// What the buyer must do, while it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The processor's name of the charge, once the money was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// What was given back.
    pub refunded: Amount,
    /// What the buyer's bank has of it, for now or for good.
    #[serde(default)]
    pub disputed: Amount,
}

impl Payment {
    /// What the processor still has of `pay`, all of which it took.
    pub fn left_of(&self, pay: Amount) -> Amount {
        let left = pay.checked_sub(self.refunded);
        left.and_then(|left| left.checked_sub(self.disputed)).unwrap_or(Amount::ZERO)
    }
}

/// What an offline top-up waits for, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What the buyer writes beside the money, and staff find the top-up by.
    pub reference: String,
    /// What the buyer is told, as the vendor's setting was then.
    pub instructions: String,
    /// The money that came.
    pub received: Amount,
    /// The tokens that it brought.
    pub brought: Amount,
}

/// Money that came for an offline top-up, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remittance {
    /// For which top-up.
    pub top_up: Id<TopUp>,
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// How much came.
    pub money: Money,
    /// The tokens that it brought; none when it is too little for one.
    pub tokens: Amount,
    /// The transfer that brought them.
    pub transfer: Option<Id<Transfer>>,
    /// What staff noted.
    pub note: String,
    /// The request that it answers.
    pub request: Request,
    /// When it was booked.
    pub at: Timestamp,
}

/// What the buyer must do for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Go to the bank's page.
    Redirect {
        /// Its address.
        url: String,
    },
    /// Answer the bank through the processor's script.
    Confirm {
        /// What the script is given. It completes this one payment and nothing else.
        client_secret: String,
    },
}

/// One charge of a processor, and what it was credited to: one row, so one credit, ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which processor.
    pub processor: String,
    /// Its name of the charge.
    pub name: String,
    /// The top-up that it paid.
    pub top_up: Id<TopUp>,
    /// What was taken.
    pub money: Money,
    /// What the processor keeps of it, in the currency of the vendor's account there; once it is known.
    pub fee: Option<Money>,
    /// What the processor has given back of it.
    pub refunded: Amount,
    /// What the buyer's bank has of it, for now or for good.
    pub disputed: Amount,
    /// When it was booked.
    pub at: Timestamp,
}

/// A top-up for which somebody outside has to be asked something: what, follows from its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// For which top-up.
    pub top_up: Id<TopUp>,
    /// When. Whoever runs it moves this ahead first, so that nobody else does meanwhile.
    pub due_at: Timestamp,
    /// How often it was tried without an answer.
    pub attempts: u32,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::amount::Unit;
    use crate::request::RequestId;

    fn offline(tokens: u64, pay: u64) -> TopUp {
        let amount = |units| Amount::new(units).unwrap();
        TopUp {
            id: Id::new(1).unwrap(),
            account: Id::new(2).unwrap(),
            state: TopUpState::RequiresAction,
            reason: None,
            method: TopUpMethod::Offline,
            payment_method: None,
            tokens: amount(tokens),
            pay: Some(Money { amount: amount(pay), unit: Unit::parse("EUR").unwrap() }),
            assessments: Vec::new(),
            payment: None,
            due: Some(Due {
                reference: String::new(),
                instructions: String::new(),
                received: Amount::ZERO,
                brought: Amount::ZERO,
            }),
            lots: Vec::new(),
            reversed: None,
            appeal: None,
            note: None,
            created_at: Timestamp::default(),
            credited_at: None,
            request: None,
        }
    }

    fn remittance(top_up: &TopUp, key: u64, money: u64) -> Option<Remittance> {
        let money = Amount::new(money)?;
        Some(Remittance {
            top_up: top_up.id,
            id: Id::new(key)?,
            money: Money { amount: money, unit: top_up.pay?.unit },
            tokens: top_up.part_for(money)?,
            transfer: None,
            note: String::new(),
            request: Request { key, fingerprint: 0, id: RequestId::NONE },
            at: Timestamp::default(),
        })
    }

    fn reversal(kind: ReversalKind, state: ReversalState, money: u64, tokens: u64) -> Reversal {
        let amount = |units| Amount::new(units).unwrap();
        Reversal {
            top_up: Id::new(1).unwrap(),
            id: Id::new(2).unwrap(),
            kind,
            state,
            name: None,
            claimed: amount(money),
            money: amount(money),
            tokens: amount(tokens),
            owed: Amount::ZERO,
            reason: String::new(),
            request: None,
            at: Timestamp::default(),
            settled_at: None,
        }
    }

    fn credited() -> TopUp {
        let day = Timestamp::default().plus(Span::days(10));
        TopUp {
            method: TopUpMethod::Card,
            state: TopUpState::Credited,
            due: None,
            credited_at: Some(day),
            ..offline(1000, 10)
        }
    }

    #[test]
    fn its_reversals_say_where_a_credited_top_up_stands() {
        use ReversalKind::{Dispute, Refund};
        use ReversalState::{Done, Failed, Lost, Open, Pending, Won};
        let state = |all: &[(ReversalKind, ReversalState, u64)]| {
            let all: Vec<_> = all
                .iter()
                .map(|(kind, state, money)| reversal(*kind, *state, *money, money * 100))
                .collect();
            let top_up = credited().reversed_by(&all);
            let sums = top_up.reversed.map(|sums| (sums.refunded.units(), sums.disputed.units()));
            (top_up.state, sums)
        };
        assert_eq!(state(&[]), (TopUpState::Credited, None));
        assert_eq!(state(&[(Refund, Pending, 10)]), (TopUpState::Credited, Some((0, 0))));
        assert_eq!(state(&[(Refund, Failed, 10)]), (TopUpState::Credited, Some((0, 0))));
        assert_eq!(state(&[(Refund, Done, 4)]), (TopUpState::Credited, Some((4, 0))));
        assert_eq!(
            state(&[(Refund, Done, 4), (Refund, Done, 6)]),
            (TopUpState::Refunded, Some((10, 0)))
        );
        assert_eq!(
            state(&[(Refund, Done, 4), (Dispute, Open, 6)]),
            (TopUpState::Disputed, Some((4, 6)))
        );
        assert_eq!(
            state(&[(Dispute, Lost, 4), (Dispute, Open, 6)]),
            (TopUpState::Disputed, Some((0, 10)))
        );
        assert_eq!(
            state(&[(Dispute, Lost, 4), (Dispute, Won, 6)]),
            (TopUpState::DisputeLost, Some((0, 4)))
        );
        assert_eq!(state(&[(Dispute, Won, 10)]), (TopUpState::DisputeWon, Some((0, 0))));
        assert_eq!(state(&[(Dispute, Won, 10), (Refund, Done, 10)]).0, TopUpState::Refunded);
        let cancelled = TopUp { state: TopUpState::Cancelled, ..credited() };
        let all = [reversal(Refund, Done, 10, 1000)];
        assert_eq!(cancelled.reversed_by(&all).state, TopUpState::Cancelled);
    }

    #[test]
    fn a_credited_payment_is_asked_for_ever_more_seldom_and_while_it_is_disputed() {
        let mut top_up = credited();
        let credited = top_up.credited_at.unwrap();
        let next = |top_up: &TopUp, days| {
            let due = top_up.watched_at(credited.plus(Span::days(days)));
            due.map(|due| due.since(credited).as_millis() / 86_400_000)
        };
        let asked = [0, 1, 7, 30, 60, 120].map(|days| next(&top_up, days));
        assert_eq!(asked, [Some(1), Some(7), Some(30), Some(60), Some(120), None]);
        assert_eq!(top_up.next_call(), Some(Call::Watch));
        top_up.state = TopUpState::Disputed;
        assert_eq!((next(&top_up, 60), next(&top_up, 130)), (Some(120), Some(160)));
    }

    proptest! {
        #[test]
        fn parts_are_never_more_than_the_whole_and_the_last_brings_the_rest(
            tokens in 1..=Amount::MAX.units(), pay in 1..=Amount::MAX.units(),
            parts in proptest::collection::vec(1..=Amount::MAX.units(), 0..8),
        ) {
            let asked = offline(tokens, pay);
            let (mut top_up, mut all) = (asked.clone(), Vec::new());
            let last = |top_up: &TopUp| top_up.left().unwrap().amount.units();
            for (key, part) in (1..).zip(parts) {
                let Some(remittance) = remittance(&top_up, key, part) else {
                    prop_assert!(part > last(&top_up));
                    continue;
                };
                top_up = top_up.with(&remittance);
                all.push((remittance, top_up.clone()));
                prop_assert!(top_up.due.as_ref().unwrap().brought <= top_up.tokens);
            }
            if top_up.state != TopUpState::Credited {
                let rest = remittance(&top_up, 99, last(&top_up)).unwrap();
                top_up = top_up.with(&rest);
                all.push((rest, top_up.clone()));
            }
            prop_assert_eq!(top_up.state, TopUpState::Credited);
            prop_assert_eq!(top_up.due.as_ref().unwrap().brought, top_up.tokens);
            let rows: Vec<_> = all.iter().map(|(remittance, _)| remittance.clone()).collect();
            for (remittance, then) in all {
                let seen = top_up.clone().as_of(remittance.request.key, &rows).unwrap();
                prop_assert_eq!(&seen.0, &then);
                prop_assert_eq!(seen.1.last(), Some(&remittance));
            }
        }
    }
}
