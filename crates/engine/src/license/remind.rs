//! Reminders: the holder of a license that ends is told a week and a day before.
//!
//! ```text
//! (no end) ──bought or begun──▶ due a week before ──told──▶ due a day before ──told──▶ (none)
//!     extended: due anew, by the new end        refunded or revoked: none
//! ```
//! One row per license says when the next one is due, so that a look at those that are due costs nothing beside many
//! licenses. A row that is late (the server stood still) tells once, and only while the license is in force.

use futures_util::future::try_join_all;
use scrip_domain::event::{Event, EventType};
use scrip_domain::license::{License, LicenseState};
use scrip_domain::usage::Reminder;
use scrip_domain::{Id, Timestamp};
use scrip_license::Terms;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use crate::{Engine, event};

/// How many are told at once: a commit's worth, so that buyers hardly wait.
const PAGE: u32 = 50;

/// Asks for the reminder of a license, if it can have one.
pub(crate) fn want(wants: &mut Wants, license: &License) {
    if may_end(license) {
        wants.reminders.read((license.id,));
    }
}

fn may_end(license: &License) -> bool {
    matches!(license.terms, Terms::Rental { .. } | Terms::Trial { .. })
}

/// Sets the reminder of a license as it is from now on. It was asked for with [`want`].
pub(crate) fn set(
    books: &Books,
    changes: &mut Changes,
    license: &License,
    at: Timestamp,
) -> Result<(), Fault> {
    if !may_end(license) {
        return Ok(());
    }
    let change = match (books.reminders.get(&(license.id,))?, license.reminder(at)) {
        (Some(old), Some(new)) if *old == new => return Ok(()),
        (Some(_), Some(new)) => Change::Update(new),
        (Some(old), None) => Change::Delete(old.clone()),
        (None, Some(new)) => Change::Insert(new),
        (None, None) => return Ok(()),
    };
    changes.reminders.push(change);
    Ok(())
}

/// Sets the first reminder of a license that is new.
pub(crate) fn begin(changes: &mut Changes, license: &License, at: Timestamp) {
    changes.reminders.extend(license.reminder(at).map(Change::Insert));
}

impl Engine {
    /// Tells a page of the reminders that are due. Gives how many there were; ask again until there are none.
    pub async fn remind_due(&self) -> Result<usize, Fault> {
        let due = self.store.reminders_due(self.now(), PAGE).await?;
        let mut commands = Vec::with_capacity(due.len());
        for Reminder { license, .. } in due {
            commands.push(self.submit(Remind { license, event: self.mint()? }));
        }
        let told = try_join_all(commands).await?;
        Ok(told.into_iter().filter(|told| *told == Ok(true)).count())
    }
}

struct Remind {
    license: Id<License>,
    event: Id<Event>,
}

impl Command for Remind {
    /// Whether it was due still.
    type Receipt = bool;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.licenses.guard((self.license,));
        wants.reminders.read((self.license,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let due = books.reminders.get(&(self.license,))?.is_some_and(|row| row.due_at <= at);
        if !due {
            return Ok(Decision::done(false, changes));
        }
        let license = super::wanted(books, self.license)?;
        set(books, &mut changes, license, at)?;
        let in_force = license.state == LicenseState::Valid;
        if in_force && license.expires_at.is_some_and(|end| end > at) {
            let (kind, subject) = (EventType::LicenseExpiring, license.id.into());
            event::tell(&mut changes, Event::new(self.event, kind, license.account, subject, at));
        }
        Ok(Decision::done(true, changes))
    }
}
