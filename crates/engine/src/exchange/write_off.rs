//! Staff give tokens back of a commit on which the partner has been silent for thirty days, at the vendor's own risk.
//!
//! ```text
//! committed, silent for 30 days ──▶ written_off: tokens back, still owed, the partner suspended
//! ```
//! The partner may have issued: so what is owed stays owed until it has answered, and it is asked on.

use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, ExchangeState};
use scrip_domain::partner::Suspended;
use scrip_domain::{Id, Timestamp};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::{ExchangeRefusal, Known, Scene};
use crate::audit::{Note, Staff, difference};
use crate::purchase_request::Moves;
use crate::{Engine, Outcome};

impl Engine {
    /// Writes an exchange off. Doing it again changes nothing.
    pub async fn write_off_exchange(
        &self,
        by: Staff,
        id: Id<Exchange>,
    ) -> Outcome<Exchange, ExchangeRefusal> {
        let Some(exchange) = self.store.exchange(id).await? else {
            return Ok(Err(ExchangeRefusal::NotFound));
        };
        let command = WriteOff {
            known: self.know_exchange(&exchange).await?,
            note: self.note(by)?,
            moves: self.moves()?,
            event: self.mint()?,
        };
        self.submit(command).await
    }
}

struct WriteOff {
    known: Known,
    note: Note,
    moves: Moves,
    event: Id<Event>,
}

impl Command for WriteOff {
    type Receipt = Exchange;
    type Refusal = ExchangeRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Exchange, ExchangeRefusal>, Fault> {
        let mut scene = Scene::set(books, &self.known, at)?;
        let mut changes = Changes::default();
        if scene.exchange.state == ExchangeState::WrittenOff {
            return Ok(Decision::done(scene.exchange, changes));
        }
        if !scene.exchange.is_silent(at) {
            return Ok(Decision::refused(ExchangeRefusal::NotSilent));
        }
        if !scene.fits() {
            return Ok(Decision::refused(ExchangeRefusal::word("wallet_full")));
        }

        // From here on it succeeds.
        scene.give_back(books, &mut changes, &self.known.held, self.moves)?;
        // A reason that was there before is the stronger one.
        let why = scene.partner.suspended.unwrap_or(Suspended::Silent);
        scene.partner = scene.partner.with_suspended(Some(why), at);
        let before = scene.exchange.state;
        scene.exchange.state = ExchangeState::WrittenOff;
        scene.exchange.written_off_at = Some(at);
        let (account, subject) = (scene.exchange.account, scene.exchange.id.into());
        let event = Event::new(self.event, EventType::ExchangeReversed, account, subject, at);
        crate::event::tell(&mut changes, event);
        let what =
            difference(&json!({ "state": before }), &json!({ "state": scene.exchange.state }));
        self.note.write(&mut changes, Act::ExchangeWrittenOff, scene.exchange.id, what, at);
        Ok(Decision::done(scene.close(&mut changes), changes))
    }
}
