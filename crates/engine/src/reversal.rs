//! Refunds of top-ups: the vendor's staff gives money back.
//!
//! One atomic, idempotent command takes the tokens first, and never more than is unspent in the lots that
//! the top-up brought. By card an errand stands beside it: a worker asks the processor under the
//! refund's own name, so that a lost answer costs no second refund (`crate::top_up::errand`). What the
//! processor refuses for good gives the tokens back. Otherwise the money goes back by hand.

pub(crate) mod clawback;

use scrip_domain::audit::Act;
use scrip_domain::event::EventType;
use scrip_domain::request::Request;
use scrip_domain::reversal::{Reversal, ReversalKind, ReversalLot, ReversalState, Worth};
use scrip_domain::top_up::{Errand, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Id, Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::ledger::Buyer;
use crate::purchase::Answered;
use crate::{Engine, Outcome};

use clawback::{Clawback, Supply};

/// How much is given back.
#[derive(Clone, Copy, Debug)]
pub enum Share {
    /// All that is unspent.
    Rest,
    /// So many tokens, and the money for them.
    Tokens(Amount),
    /// So much money, and the tokens for it.
    Money(Money),
}

/// What the vendor's staff asks for.
#[derive(Clone, Debug)]
pub struct TopUpRefundAsk {
    /// Of which top-up.
    pub top_up: Id<TopUp>,
    /// How much.
    pub share: Share,
    /// Why.
    pub reason: String,
}

/// A reversal with what it took from which lot, and its top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversed {
    /// The reversal.
    pub reversal: Reversal,
    /// What it took.
    pub lots: Vec<ReversalLot>,
    /// Of which top-up.
    pub top_up: TopUp,
}

/// Why no money was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopUpRefundRefusal {
    /// There is no such top-up.
    NotFound,
    /// It brought nothing that could go back: its state.
    NotCredited(TopUpState),
    /// Some of it came, and the rest is still awaited.
    StillDue(TopUpState),
    /// No money was paid for it here.
    NotPaid(TopUpMethod),
    /// Money in this unit was never paid for it.
    WrongUnit,
    /// Less than one smallest unit of money, or for less than one of tokens.
    TooLittle,
    /// More than is left after what went back before or is disputed.
    AlreadyRefunded,
    /// More than is unspent: so much is.
    Spent(Worth),
    /// The idempotency key was used for something else.
    KeyReused,
}

impl Engine {
    /// Gives money of a top-up back.
    pub async fn refund_top_up(
        &self,
        by: Staff,
        ask: TopUpRefundAsk,
        request: Request,
    ) -> Outcome<Answered<Reversed>, TopUpRefundRefusal> {
        let Some(top_up) = self.store.top_up(ask.top_up).await? else {
            return Ok(Err(TopUpRefundRefusal::NotFound));
        };
        let buyer = self.buyer_of(top_up.account).await?;
        let supply = self.supply(&top_up, buyer, 1).await?;
        let note = self.note(by)?;
        let id = match self.submit(Refund { buyer, ask, request, note, supply }).await? {
            Ok(Given::Now(reversed)) => {
                self.errands.notify_one();
                return Ok(Ok(Answered::First(*reversed)));
            }
            Ok(Given::Before(id)) => id,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("an idempotency key names no refund".into());
        let all = self.reversals_of(&top_up).await?;
        let made = all.into_iter().find(|made| made.reversal.id == id).ok_or_else(lost)?;
        Ok(Ok(Answered::Replayed(made.at_first())))
    }

    /// What was taken back of a top-up, oldest first.
    pub async fn reversals_of(&self, top_up: &TopUp) -> Result<Vec<Reversed>, Fault> {
        if top_up.reversed.is_none() {
            return Ok(Vec::new());
        }
        let reversals = self.store.reversals_of(top_up.id).await?;
        let lots = self.store.reversal_lots(top_up.id).await?;
        let with_lots = |reversal: Reversal| Reversed {
            lots: lots.iter().filter(|lot| lot.reversal == reversal.id).cloned().collect(),
            reversal,
            top_up: top_up.clone(),
        };
        Ok(reversals.into_iter().map(with_lots).collect())
    }
}

/// Where a refund by this method stands at first, and when it came to its end.
fn first_state(method: TopUpMethod, at: Timestamp) -> (ReversalState, Option<Timestamp>) {
    match method {
        TopUpMethod::Card => (ReversalState::Pending, None),
        _ => (ReversalState::Done, Some(at)),
    }
}

impl Reversed {
    /// As it was when it was asked for, whatever became of it since.
    fn at_first(mut self) -> Self {
        let (state, settled_at) = first_state(self.top_up.method, self.reversal.at);
        (self.reversal.state, self.reversal.settled_at) = (state, settled_at);
        self
    }
}

/// What the command answers: the refund, or the name of the one that was made before.
enum Given {
    Now(Box<Reversed>),
    Before(Id<Reversal>),
}

struct Refund {
    buyer: Buyer,
    ask: TopUpRefundAsk,
    request: Request,
    note: Note,
    supply: Supply,
}

impl Command for Refund {
    type Receipt = Given;
    type Refusal = TopUpRefundRefusal;

    fn wants(&self, wants: &mut Wants) {
        let Buyer { account, wallet } = self.buyer;
        wants.wallets.guard((wallet,));
        wants.top_ups.read((self.ask.top_up,));
        wants.errands.read((self.ask.top_up,));
        wants.by_account.read((account, index::REQUEST, self.request.key));
        self.supply.wants(wants, self.ask.top_up, wallet);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Given, TopUpRefundRefusal>, Fault> {
        let Buyer { account, wallet } = self.buyer;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Given::Before(id), Changes::default())
                }
                _ => Decision::refused(TopUpRefundRefusal::KeyReused),
            });
        }
        let missing = || Fault::Bug("a top-up has no row".into());
        let before = books.top_ups.get(&(self.ask.top_up,))?.ok_or_else(missing)?;
        if let Err(refusal) = refundable(before) {
            return Ok(Decision::refused(refusal));
        }
        let mut changes = Changes::default();
        let mut clawback =
            Clawback::open(books, &mut changes, before.clone(), wallet, &self.supply, at)?;
        let part = match self.part(before, &clawback)? {
            Ok(part) => part,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };

        // From here on the refund succeeds.
        let (state, settled_at) = first_state(before.method, at);
        let blank = clawback.blank(ReversalKind::Refund, state, part.money);
        let (reason, request) = (self.ask.reason.clone(), Some(self.request));
        let id = clawback.begin(Reversal { reason, request, settled_at, ..blank }, part)?;
        if state == ReversalState::Done {
            clawback.tell(EventType::TopUpRefunded)?;
        }
        let lots = clawback.lots_of(id);
        let made = clawback.all().iter().find(|one| one.id == id).cloned();
        let reversal = made.ok_or_else(|| Fault::Bug("a refund was not made".into()))?;
        let top_up = clawback.close()?;
        if state == ReversalState::Pending {
            let errand = Errand { top_up: top_up.id, due_at: at, attempts: 0 };
            changes.errands.push(match books.errands.get(&(top_up.id,))? {
                Some(_) => Change::Update(errand),
                None => Change::Insert(errand),
            });
        }
        self.record(&mut changes, &reversal, &top_up, at);
        let reversed = Reversed { reversal, lots, top_up };
        Ok(Decision::done(Given::Now(Box::new(reversed)), changes))
    }
}

/// Whether money was paid for it here, and came.
fn refundable(top_up: &TopUp) -> Result<(), TopUpRefundRefusal> {
    match top_up.method {
        // No money is on record of what an administrator added: the tokens are taken, and the rest is done by hand.
        TopUpMethod::Card
        | TopUpMethod::Offline
        | TopUpMethod::Demo
        | TopUpMethod::Administrator => {}
        // Whoever sold the voucher has the money; what was lent was not paid yet.
        TopUpMethod::Voucher | TopUpMethod::CreditLine => {
            return Err(TopUpRefundRefusal::NotPaid(top_up.method));
        }
    }
    let ended = top_up.state.was_credited() || top_up.state == TopUpState::Cancelled;
    match top_up.worth() {
        Some(_) if ended => Ok(()),
        Some(_) => Err(TopUpRefundRefusal::StillDue(top_up.state)),
        None => Err(TopUpRefundRefusal::NotCredited(top_up.state)),
    }
}

impl Refund {
    /// What goes back, in money and tokens.
    fn part(
        &self,
        top_up: &TopUp,
        clawback: &Clawback<'_>,
    ) -> Result<Result<Worth, TopUpRefundRefusal>, Fault> {
        let (whole, left) = clawback.worth()?;
        let unspent = clawback.unspent().min(left.tokens);
        let spendable = whole.for_tokens(left, unspent);
        if left.tokens.is_zero() && left.money.is_zero() {
            return Ok(Err(TopUpRefundRefusal::AlreadyRefunded));
        }
        let part = match self.ask.share {
            Share::Rest => spendable,
            Share::Tokens(tokens) if tokens > left.tokens => {
                return Ok(Err(TopUpRefundRefusal::AlreadyRefunded));
            }
            Share::Tokens(tokens) => whole.for_tokens(left, tokens),
            Share::Money(money) if top_up.pay.map(|pay| pay.unit) != Some(money.unit) => {
                return Ok(Err(TopUpRefundRefusal::WrongUnit));
            }
            Share::Money(money) if money.amount > left.money => {
                return Ok(Err(TopUpRefundRefusal::AlreadyRefunded));
            }
            Share::Money(money) => whole.for_money(left, money.amount),
        };
        if part.tokens > unspent || unspent.is_zero() {
            return Ok(Err(TopUpRefundRefusal::Spent(spendable)));
        }
        let nothing = part.tokens.is_zero() || (part.money.is_zero() && !whole.money.is_zero());
        Ok(if nothing { Err(TopUpRefundRefusal::TooLittle) } else { Ok(part) })
    }

    /// The rows that say what was done, by whom.
    fn record(&self, changes: &mut Changes, reversal: &Reversal, top_up: &TopUp, at: Timestamp) {
        let entry = Entry::request(self.buyer.account, self.request, reversal.id.into());
        changes.by_account.push(Change::Insert(entry));
        changes.top_ups.push(Change::Update(top_up.clone()));
        let money = top_up.pay.map(|pay| Money { amount: reversal.money, unit: pay.unit });
        let Reversal { id, tokens, reason, .. } = reversal;
        let what = json!({ "refund": id, "money": money, "tokens": tokens, "reason": reason });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::TopUpRefunded, top_up.id, what, at);
    }
}
