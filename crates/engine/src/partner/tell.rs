//! Telling partners whether we exchange with them, and hearing it of them.
//!
//! ```text
//! suspended, resumed ─▶ due ─▶ taken (moved ahead) ─▶ told ─▶ heard: nothing is due
//!                                                       └─▶ not heard: due again, later, for ever
//! ```
//! What is told is what holds at that moment, with the time since when it does: an older word that arrives late says nothing.

use scrip_domain::audit::Act;
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::{Heard, Notice, Partners};
use crate::Engine;
use crate::audit::{Note, Staff, difference};
use crate::purchase_request::notice::pause;

/// For how long what was taken is nobody else's.
pub(crate) const LEASE: Span = Span::minutes(2);
/// How far the clock of another server can be ahead.
const CLOCKS: Span = Span::minutes(2);
/// From this attempt on the pause grows no more: a partner that enters this server late hears of it within minutes.
pub(crate) const MOST_PATIENT: u32 = 5;

impl Engine {
    /// Tells a partner whether we exchange with it, if that is due.
    pub(crate) async fn tell_partner(
        &self,
        partners: &dyn Partners,
        id: Id<Partner>,
    ) -> Result<bool, Fault> {
        let Ok(partner) = self.submit(Take { id }).await? else { return Ok(false) };
        let since = u64::try_from(partner.suspended_at.millis()).unwrap_or(0);
        let notice = match partner.suspended {
            Some(_) => Notice::Suspended(since),
            None => Notice::Resumed(since),
        };
        let heard = Heard::of(&partner, partners.tell(&partner.url, &notice).await);
        let Ok(()) = self.submit(Told { partner, heard }).await?;
        Ok(true)
    }

    /// A partner says that it does not exchange with us, or does again, since `since` by its clock.
    pub(crate) async fn hear_suspension(
        &self,
        partner: &Partner,
        suspended: bool,
        since: Timestamp,
    ) -> Result<(), Fault> {
        let Ok(()) = self.submit(Hear { id: partner.id, suspended, since }).await?;
        Ok(())
    }

    /// A partner says what this vendor had told it of itself, and has forgotten in a restore. Gives whether it was news.
    pub(crate) async fn recall_suspension(
        &self,
        partner: &Partner,
        suspended: bool,
        since: Timestamp,
    ) -> Result<bool, Fault> {
        let note = self.note(Staff::SERVER)?;
        let Ok(news) = self.submit(Recall { id: partner.id, suspended, since, note }).await?;
        Ok(news)
    }
}

/// It is not due any more.
struct NotDue;

struct Take {
    id: Id<Partner>,
}

impl Command for Take {
    type Receipt = Partner;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Partner, NotDue>, Fault> {
        let row = books.partners.get(&(self.id,))?;
        let Some(row) = row.filter(|row| row.due_at.is_some_and(|due| due <= at)) else {
            return Ok(Decision::refused(NotDue));
        };
        let attempts = row.attempts.saturating_add(1);
        let taken = Partner { due_at: Some(at.plus(LEASE)), attempts, ..row.clone() };
        let mut changes = Changes::default();
        changes.partners.push(Change::Update(taken.clone()));
        Ok(Decision::done(taken, changes))
    }
}

struct Told {
    /// As it was when it was told.
    partner: Partner,
    heard: Heard,
}

impl Command for Told {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let row = books.partners.get(&(self.partner.id,))?;
        // What has turned meanwhile is due already.
        let same = |row: &&Partner| {
            let told = &self.partner;
            (row.suspended_at, row.attempts) == (told.suspended_at, told.attempts)
        };
        if let Some(row) = row.filter(same) {
            let due_at = match self.heard {
                Heard::Yes | Heard::Refused(_) => None,
                Heard::NotYet => Some(at.plus(pause(row.attempts.min(MOST_PATIENT)))),
            };
            let attempts = if due_at.is_some() { row.attempts } else { 0 };
            changes.partners.push(Change::Update(Partner { due_at, attempts, ..row.clone() }));
        }
        Ok(Decision::done((), changes))
    }
}

struct Hear {
    id: Id<Partner>,
    suspended: bool,
    since: Timestamp,
}

impl Command for Hear {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let row = books.partners.get(&(self.id,))?;
        // A clock that was far ahead for a while does not make all later words old ones.
        let since = self.since.min(at.plus(CLOCKS));
        if let Some(row) = row.filter(|row| row.suspended_there_at < since) {
            let (suspended_there, suspended_there_at) = (self.suspended, since);
            let heard = Partner { suspended_there, suspended_there_at, ..row.clone() };
            changes.partners.push(Change::Update(heard));
        }
        Ok(Decision::done((), changes))
    }
}

/// What we had said of ourselves. The stricter of the two holds until staff has looked: why it was suspended, nobody knows any
/// more.
struct Recall {
    id: Id<Partner>,
    suspended: bool,
    since: Timestamp,
    note: Note,
}

impl Command for Recall {
    /// Whether it was not known.
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let lost = || Fault::Bug("a partner is gone".into());
        let row = books.partners.get(&(self.id,))?.ok_or_else(lost)?;
        if self.since <= row.suspended_at || self.since > at.plus(CLOCKS) {
            return Ok(Decision::done(false, changes));
        }
        let is_same = self.suspended == row.suspended.is_some();
        let suspended = row.suspended.or(self.suspended.then_some(Suspended::Staff));
        let mut after = Partner { suspended, suspended_at: self.since, ..row.clone() };
        if !self.suspended && suspended.is_some() {
            // It thinks that we exchange again: it is told that we do not, by a later word.
            after.suspended_at = self.since.plus(Span::millis(1)).max(at);
            after.due_at = Some(at);
            after.attempts = 0;
        }
        if self.suspended && !is_same {
            let what = json!({ "suspended": suspended });
            let what = difference(&Value::Null, &what);
            self.note.write(&mut changes, Act::PartnerSuspended, self.id, what, at);
        }
        changes.partners.push(Change::Update(after));
        Ok(Decision::done(!is_same, changes))
    }
}
