//! The partner's final word on our commit.
//!
//! ```text
//! committed ──fulfilled──▶ fulfilled
//!     └──late, rejected──▶ reversed: the tokens come back to the very lots, nothing is owed
//! written_off ──fulfilled──▶ the same: the loss stays with us      ──late, rejected──▶ the same: nothing is owed
//! ```
//! Time alone never reverses anything: a partner that is silent may have issued.

use scrip_domain::document::exchange::{Answer, Answered};
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, ExchangeState};
use scrip_domain::partner::{EntryKind, PartnerEntry};
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{Known, Scene, uneven};
use crate::Engine;
use crate::purchase_request::Moves;

impl Engine {
    /// Books an answer that is believed. Whether it is booked: not while the wallet cannot hold what comes back.
    pub(crate) async fn saw_answer(
        &self,
        exchange: &Exchange,
        text: String,
        answer: &Answer,
    ) -> Result<bool, Fault> {
        let reason = answer.reason.clone().unwrap_or_else(|| answer.outcome.to_string());
        let command = Seen {
            known: self.know_exchange(exchange).await?,
            text,
            word: answer.outcome,
            reason,
            moves: self.moves()?,
            entry: self.mint()?,
            event: self.mint()?,
        };
        Ok(self.submit(command).await?.is_ok())
    }
}

struct Seen {
    known: Known,
    text: String,
    word: Answered,
    reason: String,
    moves: Moves,
    entry: Id<PartnerEntry>,
    event: Id<Event>,
}

/// The wallet cannot hold what comes back.
struct Full;

impl Command for Seen {
    type Receipt = ();
    type Refusal = Full;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Full>, Fault> {
        let mut scene = Scene::set(books, &self.known, at)?;
        let mut changes = Changes::default();
        let Some(state) = scene.exchange.answered(self.word) else {
            return Ok(Decision::done((), changes));
        };
        if state == ExchangeState::Reversed && !scene.fits() {
            return Ok(Decision::refused(Full));
        }
        if self.word != Answered::Fulfilled {
            let (figures, began) = (scene.exchange.figures, scene.exchange.at);
            scene.partner = scene.partner.unbooked(&figures, began).ok_or_else(uneven)?;
            scene.uncount(books, &mut changes)?;
            scene.entry(&mut changes, self.entry, EntryKind::Reversal)?;
            scene.exchange.reason = Some(self.reason.clone());
        }
        if state == ExchangeState::Reversed {
            scene.give_back(books, &mut changes, &self.known.held, self.moves)?;
        }
        scene.exchange.state = state;
        scene.exchange.answer = Some(self.text.clone());
        scene.exchange.answered_at = Some(at);
        scene.exchange.due_at = None;
        let kind = match state {
            ExchangeState::Fulfilled => Some(EventType::ExchangeFulfilled),
            ExchangeState::Reversed => Some(EventType::ExchangeReversed),
            _ => None,
        };
        if let Some(kind) = kind {
            let (account, subject) = (scene.exchange.account, scene.exchange.id.into());
            let event = Event::new(self.event, kind, account, subject, at);
            crate::event::tell(&mut changes, event);
        }
        scene.close(&mut changes);
        Ok(Decision::done((), changes))
    }
}
