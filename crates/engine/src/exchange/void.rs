//! The end of an exchange that was not committed: the tokens are free again.
//!
//! ```text
//! reserved ──the partner refuses──▶ refused
//! reserved, prepared ──time is over, or it may not go on──▶ expired ──▶ the partner is told
//! ```

use scrip_domain::Timestamp;
use scrip_domain::exchange::{Exchange, ExchangeState, Going};
use scrip_domain::hold::HoldState;
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{Known, Scene, uneven};
use crate::purchase_request::Moves;
use crate::{Engine, ledger};

/// Why an exchange comes to nothing.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// Its time is over.
    Late,
    /// It must not go on, a stable word says why.
    Stopped(&'static str),
    /// The partner does not prepare it, a stable word says why.
    Refused(String),
}

impl Engine {
    /// Frees what an exchange holds, if it still does. Whether it did.
    pub(super) async fn void_exchange(&self, exchange: &Exchange, why: Why) -> Result<bool, Fault> {
        let known = self.know_exchange(exchange).await?;
        let Ok(moved) = self.submit(Void { known, why, moves: self.moves()? }).await?;
        Ok(moved)
    }
}

struct Void {
    known: Known,
    why: Why,
    moves: Moves,
}

impl Command for Void {
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut scene = Scene::set(books, &self.known, at)?;
        let (state, until) = (scene.exchange.state, scene.exchange.commit_until());
        let is_open = matches!(state, ExchangeState::Reserved | ExchangeState::Prepared);
        let applies = match &self.why {
            Why::Late => is_open && until <= at,
            Why::Stopped(_) => is_open,
            // What is prepared was not refused: somebody was faster.
            Why::Refused(_) => state == ExchangeState::Reserved,
        };
        let mut changes = Changes::default();
        if !applies {
            return Ok(Decision::done(false, changes));
        }
        let (state, hold, reason) = match &self.why {
            Why::Late => (ExchangeState::Expired, HoldState::Expired, None),
            Why::Stopped(word) => {
                (ExchangeState::Expired, HoldState::Voided, Some((*word).to_owned()))
            }
            Why::Refused(word) => (ExchangeState::Refused, HoldState::Voided, Some(word.clone())),
        };
        self.free(books, &mut changes, &scene)?;
        scene.end_hold(books, &mut changes, hold)?;
        scene.uncount(books, &mut changes)?;
        let (figures, began) = (scene.exchange.figures, scene.exchange.at);
        let released = scene.partner.released(Going::Out, &figures, began);
        scene.partner = released.ok_or_else(uneven)?;
        scene.exchange.state = state;
        scene.exchange.reason = reason;
        scene.exchange.attempts = 0;
        // What was never prepared need not be cancelled; whether an earlier question was heard, nobody knows.
        scene.exchange.due_at = (state == ExchangeState::Expired).then_some(at);
        scene.close(&mut changes);
        Ok(Decision::done(true, changes))
    }
}

impl Void {
    /// Back to the very lots. What has expired meanwhile is booked, and what is owed is paid.
    fn free(&self, books: &Books, changes: &mut Changes, scene: &Scene) -> Result<(), Fault> {
        let (moves, at) = (self.moves, scene.at);
        let wallet = ledger::expire(changes, &scene.wallet, moves.due, at)?;
        let transfer = Transfer {
            id: moves.back,
            debit: LedgerAccount::Held(wallet.id),
            credit: LedgerAccount::Free(wallet.id),
            amount: scene.exchange.figures.give,
            reason: Reason::ExchangeVoid,
            subject: scene.exchange.id.into(),
            at,
        };
        let wallet = ledger::free(changes, &wallet, &self.known.parts(), transfer)?;
        let wallet = ledger::expire(changes, &wallet, moves.gone, at)?;
        ledger::settle(changes, books, &wallet, moves.debt, at)?;
        Ok(())
    }
}
