//! Adding funds: the demo processor's top-ups, and the administrator's.
//!
//! The states stand in `scrip_domain::top_up`. Every top-up records its own credit assessment
//! before the money decision; a declined one is on record with its reasons, and charges nothing.

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::request::Request;
use scrip_domain::top_up::{
    Assessment, CreditDecision, CreditStatus, TopUp, TopUpMethod, TopUpState,
};
use scrip_domain::{Amount, Id, Money, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::ledger::{self, Buyer};
use crate::purchase::Answered;
use crate::{Engine, Mode, Outcome};

/// What a buyer, or an administrator for one, asks for.
#[derive(Clone, Debug)]
pub struct TopUpAsk {
    /// Tokens, in smallest units, above zero.
    pub tokens: Amount,
    /// What is paid for them.
    pub pay: Option<Money>,
    /// How.
    pub way: Way,
}

/// How tokens come in.
#[derive(Clone, Debug)]
pub enum Way {
    /// By the demo processor.
    Demo {
        /// `demo_approved`, `demo_declined` or `demo_review`; the first without one.
        payment_method: Option<String>,
    },
    /// By hand.
    Administrator {
        /// Whose.
        by: Staff,
        /// Why.
        reason: String,
    },
}

impl Way {
    fn method(&self) -> TopUpMethod {
        match self {
            Self::Demo { .. } => TopUpMethod::Demo,
            Self::Administrator { .. } => TopUpMethod::Administrator,
        }
    }
}

/// Why no top-up was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopUpRefusal {
    /// The credit assessment said no; it is on record.
    Declined {
        /// The declined top-up; it names the request that was declined first.
        top_up: Box<TopUp>,
        /// Whether the same request was declined before.
        replayed: bool,
    },
    /// The demo processor takes part in demo mode only.
    MethodUnknown,
    /// The payment method is none that the processor knows.
    PaymentMethodUnknown,
    /// The wallet would hold more than an amount can be.
    TooMuch,
    /// The idempotency key was used for something else.
    KeyReused,
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// Adds funds to a wallet, or records why not.
    pub async fn top_up(
        &self,
        buyer: Buyer,
        ask: TopUpAsk,
        request: Request,
    ) -> Outcome<Answered<TopUp>, TopUpRefusal> {
        if matches!(ask.way, Way::Demo { .. }) && self.mode != Mode::Demo {
            return Ok(Err(TopUpRefusal::MethodUnknown));
        }
        let Some(assessment) = assess(&ask.way, self.now()) else {
            return Ok(Err(TopUpRefusal::PaymentMethodUnknown));
        };
        let note = match &ask.way {
            Way::Administrator { by, .. } => Some(self.note(*by)?),
            Way::Demo { .. } => None,
        };
        let command = AddFunds {
            buyer,
            ask,
            assessment,
            request,
            note,
            id: self.mint()?,
            lot: self.mint()?,
            expiry: self.mint()?,
            transfer: self.mint()?,
            event: self.mint()?,
        };
        let id = match self.submit(command).await? {
            Ok(Ok(top_up)) => return Ok(Ok(Answered::First(top_up))),
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.topped_up(id).await
    }

    /// The answer that `request` got before, if it did: to be asked when what it pays buys no tokens
    /// any more.
    pub async fn topped_up_before(
        &self,
        buyer: Buyer,
        request: Request,
    ) -> Result<Option<Result<Answered<TopUp>, TopUpRefusal>>, Fault> {
        let Some(entry) = self.store.request(buyer.account, request.key).await? else {
            return Ok(None);
        };
        Ok(Some(match Id::new(entry.target) {
            Some(id) if entry.note == request.fingerprint => self.topped_up(id).await?,
            _ => Err(TopUpRefusal::KeyReused),
        }))
    }

    /// The first answer again.
    async fn topped_up(&self, id: Id<TopUp>) -> Outcome<Answered<TopUp>, TopUpRefusal> {
        let lost = || Fault::Bug("an idempotency key names no top-up".into());
        let top_up = self.store.top_up(id).await?.ok_or_else(lost)?;
        Ok(match top_up.state {
            TopUpState::Declined => {
                Err(TopUpRefusal::Declined { top_up: Box::new(top_up), replayed: true })
            }
            TopUpState::InReview | TopUpState::Credited => Ok(Answered::Replayed(top_up)),
        })
    }
}

/// The credit status as the demo processor plays it; an administrator's word is good. `None` when
/// the payment method is unknown.
fn assess(way: &Way, now: Timestamp) -> Option<Assessment> {
    let payment_method = match way {
        Way::Administrator { .. } => "administrator",
        Way::Demo { payment_method } => payment_method.as_deref().unwrap_or("demo_approved"),
    };
    let (status, decision, reason) = match (way, payment_method) {
        (Way::Administrator { .. }, reason) | (Way::Demo { .. }, reason @ "demo_approved") => {
            (CreditStatus::Good, CreditDecision::Approved, reason)
        }
        (Way::Demo { .. }, reason @ "demo_declined") => {
            (CreditStatus::Bad, CreditDecision::Declined, reason)
        }
        (Way::Demo { .. }, reason @ "demo_review") => {
            (CreditStatus::Doubtful, CreditDecision::Review, reason)
        }
        (Way::Demo { .. }, _) => return None,
    };
    Some(Assessment {
        status,
        decision,
        reasons: vec![reason.to_owned()],
        obtained_at: now,
        decided_at: now,
        valid_until: now.plus(Span::hours(1)),
    })
}

struct AddFunds {
    buyer: Buyer,
    ask: TopUpAsk,
    assessment: Assessment,
    request: Request,
    note: Option<Note>,
    id: Id<TopUp>,
    lot: Id<Lot>,
    transfer: Id<Transfer>,
    /// What has expired meanwhile is booked by it.
    expiry: Id<Transfer>,
    event: Id<Event>,
}

impl Command for AddFunds {
    /// The top-up, or the name of the one that the same request made before.
    type Receipt = Result<TopUp, Id<TopUp>>;
    type Refusal = TopUpRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, TopUpRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let account = self.buyer.account;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(TopUpRefusal::KeyReused),
            });
        }
        let row = books.accounts.get(&(account,))?.ok_or_else(|| missing("account"))?;
        if row.frozen_at.is_some() {
            return Ok(Decision::refused(TopUpRefusal::AccountFrozen));
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let tokens = self.ask.tokens;
        if wallet.posted().checked_add(tokens).is_none() {
            return Ok(Decision::refused(TopUpRefusal::TooMuch));
        }
        let (state, kind) = match self.assessment.decision {
            CreditDecision::Approved => (TopUpState::Credited, Some(EventType::TopUpCredited)),
            CreditDecision::Declined => (TopUpState::Declined, Some(EventType::TopUpDeclined)),
            CreditDecision::Review => (TopUpState::InReview, None),
        };
        let top_up = self.top_up(state, at);
        let mut changes = Changes::default();
        let subject = top_up.id.into();
        changes.top_ups.push(Change::Insert(top_up.clone()));
        changes.by_account.push(Change::Insert(Entry::top_up(account, top_up.id)));
        changes.by_account.push(Change::Insert(Entry::request(account, self.request, subject)));
        let event = kind.map(|kind| Event { id: self.event, kind, account, subject, at });
        changes.events.extend(event.map(Change::Insert));
        match state {
            TopUpState::Declined => {
                let top_up = Box::new(top_up);
                let refusal = TopUpRefusal::Declined { top_up, replayed: false };
                return Ok(Decision::refused_on_record(refusal, changes));
            }
            TopUpState::InReview => return Ok(Decision::done(Ok(top_up), changes)),
            TopUpState::Credited => {}
        }
        self.credit(&mut changes, wallet, at)?;
        if let Some(note) = &self.note {
            let what = json!({ "top_up": self.id, "tokens": tokens, "reason": top_up.note });
            let what = difference(&Value::Null, &what);
            note.write(&mut changes, Act::AccountAdjusted, account, what, at);
        }
        Ok(Decision::done(Ok(top_up), changes))
    }
}

impl AddFunds {
    /// The row, in the state that the assessment led to.
    fn top_up(&self, state: TopUpState, at: Timestamp) -> TopUp {
        let (payment_method, note) = match &self.ask.way {
            Way::Demo { payment_method } => (payment_method.clone(), None),
            Way::Administrator { reason, .. } => (None, Some(reason.clone())),
        };
        TopUp {
            id: self.id,
            account: self.buyer.account,
            state,
            method: self.ask.way.method(),
            payment_method,
            tokens: self.ask.tokens,
            pay: self.ask.pay,
            assessment: self.assessment.clone(),
            note,
            created_at: at,
            credited_at: (state == TopUpState::Credited).then_some(at),
            request: Some(self.request),
        }
    }

    /// A new lot of paid tokens, and the transfer that brings them.
    fn credit(
        &self,
        changes: &mut Changes,
        wallet: &scrip_domain::wallet::Wallet,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let amount = self.ask.tokens;
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::House(House::Issued),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: match self.ask.way {
                Way::Demo { .. } => Reason::TopUp,
                Way::Administrator { .. } => Reason::Adjustment,
            },
            subject: self.id.into(),
            at,
        };
        let lot = Lot {
            id: self.lot,
            wallet: wallet.id,
            kind: LotKind::Paid,
            amount,
            priority: LotKind::Paid.priority(),
            expires_at: None,
            exchangeable_at: None,
            created_at: at,
        };
        let wallet = ledger::expire(changes, wallet, self.expiry, at)?;
        ledger::put(changes, &wallet, lot, transfer)?;
        Ok(())
    }
}
