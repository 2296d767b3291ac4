//! The errand of an exchange: which step is next, asking the partner, and handing in what it answered.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server runs it) ─▶ asked ─▶ booked ─▶ the next step at once, or due again
//! ```
//! Two that drive the same exchange side by side come to the same as one after the other: every question can be asked twice, and
//! every command looks again where the exchange stands.

use scrip_domain::exchange::{Exchange, Next};
use scrip_domain::partner::Partner;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::documents::unbelievable;
use super::lost;
use super::void::Why;
use crate::Engine;
use crate::checkout::begin::FOR_NOW;
use crate::partner::Partners;
use crate::peer::PeerError;
use crate::round::{self, AT_ONCE};

/// For how long an exchange that was taken is nobody else's.
const LEASE: Span = Span::minutes(1);
/// Exchanges that one round takes on.
const ROUND: u32 = 50;
/// More steps than an exchange has.
const STEPS: u32 = 8;

/// When an exchange that is taken at `at` is anybody's again: not after the end of its time, which the worker must not miss.
pub(super) fn leased(exchange: &Exchange, at: Timestamp) -> Timestamp {
    match exchange.next(at) {
        Some(Next::Prepare | Next::Commit) => at.plus(LEASE).min(exchange.commit_until()),
        _ => at.plus(LEASE),
    }
}

/// Whether a refusal with this code says nothing of the exchange itself: it is asked again.
pub(super) fn is_for_now(code: &str) -> bool {
    FOR_NOW.contains(&code) || matches!(code, "rate_limited" | "internal" | "storage_full")
}

/// The codes by which a partner refuses to prepare. Any other says that the two do not understand each other.
const REFUSALS: [&str; 8] = [
    "not_linked",
    "quote_expired",
    "exchange_limit",
    "exchange_refused",
    "partner_suspended",
    "not_exchangeable",
    "amount_out_of_bounds",
    "account_frozen",
];

/// An answer that moves nothing is on record.
pub(super) fn note(partner: &Partner, error: &PeerError) {
    let partner = partner.id;
    match error {
        PeerError::Unbelievable(why) => {
            tracing::warn!(target: "security", %partner, why, "what came in a partner's name is not believed");
        }
        PeerError::Unanswered(why) => tracing::info!(%partner, why, "a partner gave no answer"),
        PeerError::Refused { code, detail, .. } => {
            tracing::info!(%partner, code, detail, "a partner refuses");
        }
    }
}

impl Engine {
    /// Does what is due of exchanges, once: asks partners, and gives up what nobody came for. Gives how much was done.
    pub async fn run_exchanges(&self) -> Result<usize, Fault> {
        if self.holds_tokens_still() {
            return Ok(0);
        }
        let lapsed = self.lapse_incoming(ROUND).await;
        let due = self.store.exchanges_due(self.now(), ROUND).await?;
        let ran = round::count(due, AT_ONCE, |exchange| self.run_exchange(exchange.id)).await?;
        Ok(lapsed?.saturating_add(ran))
    }

    async fn run_exchange(&self, exchange: Id<Exchange>) -> Result<bool, Fault> {
        if self.submit(Take { exchange }).await?.is_err() {
            return Ok(false);
        }
        self.drive_exchange(exchange).await?;
        Ok(true)
    }

    /// Takes the steps that the exchange's state asks for, one after the other, while each moves it on.
    pub(super) async fn drive_exchange(&self, id: Id<Exchange>) -> Result<(), Fault> {
        for _ in 0..STEPS {
            let exchange = self.store.exchange(id).await?.ok_or_else(|| lost("row"))?;
            let Some(next) = exchange.next(self.now()) else { return Ok(()) };
            let moved = match next {
                Next::Expire => self.void_exchange(&exchange, Why::Late).await?,
                Next::Commit => self.commit_exchange(&exchange).await?,
                Next::Prepare | Next::Fulfil | Next::Cancel => {
                    match self.ask_partner(&exchange, next).await? {
                        Ok(()) => true,
                        Err((partner, error)) => {
                            note(&partner, &error);
                            return self.exchange_later(id).await;
                        }
                    }
                }
            };
            if !moved {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks the partner for one thing, and books its answer.
    async fn ask_partner(
        &self,
        exchange: &Exchange,
        next: Next,
    ) -> Result<Result<(), (Partner, PeerError)>, Fault> {
        let partner = self.store.partner(exchange.partner).await?;
        let partner = partner.ok_or_else(|| lost("partner"))?;
        let Some(partners) = self.partners() else {
            let nobody = "there is no way to other vendors".to_owned();
            return Ok(Err((partner, PeerError::Unanswered(nobody))));
        };
        let asked = match next {
            Next::Prepare => self.ask_to_prepare(partners, &partner, exchange).await?,
            Next::Fulfil => self.ask_to_fulfil(partners, &partner, exchange).await?,
            Next::Cancel => self.ask_to_cancel(partners, &partner, exchange).await?,
            Next::Commit | Next::Expire => Ok(()),
        };
        Ok(asked.map_err(|error| (partner, error)))
    }

    async fn ask_to_prepare(
        &self,
        partners: &dyn Partners,
        partner: &Partner,
        exchange: &Exchange,
    ) -> Result<Result<(), PeerError>, Fault> {
        let quote = self.store.exchange_quote(exchange.quote).await?;
        let quote = quote.ok_or_else(|| lost("quote"))?.document;
        let name = exchange.id.to_string();
        let text = match partners.prepare(&partner.url, &name, &quote).await {
            Ok(text) => text,
            Err(PeerError::Refused { code, detail, reason })
                if REFUSALS.contains(&code.as_str()) =>
            {
                note(partner, &PeerError::Refused { code: code.clone(), detail, reason });
                self.void_exchange(exchange, Why::Refused(code)).await?;
                return Ok(Ok(()));
            }
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = self.believe_prepared(partner, exchange, &quote, &text).await {
            return Ok(Err(error));
        }
        let Ok(()) =
            self.submit(Told { exchange: exchange.id, told: News::Prepared(text) }).await?;
        Ok(Ok(()))
    }

    async fn ask_to_fulfil(
        &self,
        partners: &dyn Partners,
        partner: &Partner,
        exchange: &Exchange,
    ) -> Result<Result<(), PeerError>, Fault> {
        let Some(commit) = &exchange.commit else { return Ok(unbelievable("nothing to tell")) };
        let text = match partners.fulfil(&partner.url, &exchange.id.to_string(), commit).await {
            Ok(text) => text,
            // Whatever it refuses by: only its signed word ends a commit.
            Err(error) => return Ok(Err(error)),
        };
        match self.believe_answer(partner, exchange, &text).await {
            Ok(answer) => {
                if !self.saw_answer(exchange, text, &answer).await? {
                    let full = "its answer cannot be booked now".to_owned();
                    return Ok(Err(PeerError::Unanswered(full)));
                }
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn ask_to_cancel(
        &self,
        partners: &dyn Partners,
        partner: &Partner,
        exchange: &Exchange,
    ) -> Result<Result<(), PeerError>, Fault> {
        match partners.cancel(&partner.url, &exchange.id.to_string()).await {
            Err(PeerError::Refused { code, .. }) if !is_for_now(&code) => {}
            Err(error) => return Ok(Err(error)),
            Ok(()) => {}
        }
        let Ok(()) = self.submit(Told { exchange: exchange.id, told: News::Cancelled }).await?;
        Ok(Ok(()))
    }

    /// Nothing new: it is tried again after a while.
    async fn exchange_later(&self, exchange: Id<Exchange>) -> Result<(), Fault> {
        let Ok(()) = self.submit(Told { exchange, told: News::None }).await?;
        Ok(())
    }
}

/// It is not due any more: done, or somebody else's.
struct NotDue;

struct Take {
    exchange: Id<Exchange>,
}

impl Command for Take {
    type Receipt = ();
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.exchanges.guard((self.exchange,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotDue>, Fault> {
        let due = books.exchanges.get(&(self.exchange,))?;
        let Some(row) = due.filter(|row| row.due_at.is_some_and(|due| due <= at)) else {
            return Ok(Decision::refused(NotDue));
        };
        let mut changes = Changes::default();
        // What nobody has to hear any more is done.
        let due_at = row.next(at).map(|_| leased(row, at));
        let taken = Exchange { due_at, ..row.clone() };
        changes.exchanges.push(Change::Update(taken));
        Ok(Decision::done((), changes))
    }
}

/// What was heard that moves no tokens.
enum News {
    /// The partner has prepared it.
    Prepared(String),
    /// The partner knows that nothing comes.
    Cancelled,
    /// There was no answer.
    None,
}

struct Told {
    exchange: Id<Exchange>,
    told: News,
}

impl Command for Told {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.exchanges.guard((self.exchange,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        use scrip_domain::exchange::ExchangeState::{Expired, Prepared, Reserved};
        let row = books.exchanges.get(&(self.exchange,))?.ok_or_else(|| lost("row"))?;
        let mut after = row.clone();
        match &self.told {
            News::Prepared(text) if row.state == Reserved => {
                after.state = Prepared;
                after.prepared = Some(text.clone());
                after.attempts = 0;
                after.due_at = Some(leased(&after, at));
            }
            News::Cancelled if row.state == Expired => after.due_at = None,
            News::None if row.due_at.is_some() => {
                after.attempts = row.attempts.saturating_add(1);
                after.due_at = row.due(after.attempts, at);
            }
            // Somebody was faster.
            _ => {}
        }
        let mut changes = Changes::default();
        if after != *row {
            changes.exchanges.push(Change::Update(after));
        }
        Ok(Decision::done((), changes))
    }
}
