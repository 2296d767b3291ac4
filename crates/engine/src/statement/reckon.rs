//! Reckoning a closed cycle: its sums, our signature, and what both accounts come to.
//!
//! ```text
//! closing ──every commit answered, the cycle before agreed──▶ signed ──no account of theirs──▶ closed
//!                                                               ├──they say the same──▶ agreed, or settled when nothing is to be paid
//!                                                               ├──they had not heard ours──▶ closed: they will say it anew
//!                                                               └──they differ──▶ disputed: nothing is exchanged until it is mended
//! ```

use scrip_domain::agreement::Agreement;
use scrip_domain::document::exchange::Account;
use scrip_domain::event::{Event, EventType};
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::statement::{Compared, Half, Statement, StatementState, compared};
use scrip_domain::{Id, Span, Timestamp, Unit};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{StatementRefusal, TRIES, claims, text_of};
use crate::Engine;
use crate::purchase_request::Signer;
use crate::purchase_request::notice::pause;
use crate::settlement::book::{Entries, book};

/// How long until a disputed statement is compared again unasked.
const AGAIN: Span = Span::hours(1);

/// How it came to be reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// By the worker, or by staff.
    OnErrand,
    /// The partner brought its account, and gets ours as the answer.
    FromPartner,
}

impl Engine {
    /// Reckons a statement as far as it goes: what waits for something stays as it is, and is due later.
    pub(super) async fn reckon(
        &self,
        statement: Statement,
        came: Came,
    ) -> Result<Statement, Fault> {
        let mut seen = statement;
        for _ in 0..TRIES {
            if seen.state.is_agreed() {
                return Ok(seen);
            }
            let of = (seen.partner, seen.cycle);
            let sums = if self.store.is_unanswered(seen.partner, seen.cycle).await? {
                None
            } else {
                Some((self.tally(of, true).await?, self.tally(of, false).await?))
            };
            let command = Reckon {
                partner: seen.partner,
                cycle: seen.cycle,
                agreement: seen.agreement,
                id: seen.id,
                sums,
                heard: seen.theirs.clone(),
                came,
                signer: self.signer(),
                entries: self.entries()?,
                events: (self.mint()?, self.mint()?),
            };
            match self.submit(command).await? {
                Ok(statement) => return Ok(statement),
                Err(StatementRefusal::Stale) => {}
                Err(_) => return Err(Fault::Bug("a statement is gone".into())),
            }
            let again = self.store.statement(seen.id).await?;
            seen = again.ok_or_else(|| Fault::Bug("a statement is gone".into()))?;
        }
        Err(Fault::Busy)
    }
}

struct Reckon {
    partner: Id<Partner>,
    cycle: u32,
    agreement: Id<Agreement>,
    id: Id<Statement>,
    /// What we owe and what the partner owes; none while a commit of ours waits for its answer.
    sums: Option<(Half, Half)>,
    /// The partner's account that was on record before the sums were read.
    heard: Option<String>,
    came: Came,
    signer: Signer,
    entries: Entries,
    events: (Id<Event>, Id<Event>),
}

/// What a decision works on.
struct Scene<'a> {
    books: &'a Books,
    changes: Changes,
    partner: Partner,
    agreement: &'a Agreement,
    at: Timestamp,
}

impl Reckon {
    /// What the cycle before has carried, when it is agreed.
    fn carried(&self, books: &Books) -> Result<Option<i64>, Fault> {
        let Some(before) = self.cycle.checked_sub(1).filter(|before| *before > 0) else {
            return Ok(Some(0));
        };
        let before = books.statements.get(&(self.partner, before))?;
        let before = before.ok_or_else(|| Fault::Bug("a cycle has no statement".into()))?;
        Ok(before.state.is_agreed().then_some(before.carried_out))
    }

    fn account(&self, statement: &Statement, scene: &Scene<'_>) -> Account {
        Account {
            issuer: self.signer.issuer().to_owned(),
            audience: scene.partner.url.clone(),
            issued_at: scene.at.unix_seconds(),
            cycle: statement.cycle,
            currency: scene.agreement.terms.currency,
            gross_out: statement.gross_out,
            count_out: statement.count_out,
            digest_out: text_of(statement.digest_out),
            gross_in: statement.gross_in,
            count_in: statement.count_in,
            digest_in: text_of(statement.digest_in),
            carried_in: statement.carried_in,
            carried_out: statement.carried_out,
            net: statement.net,
            is_final: statement.theirs.is_some(),
        }
    }

    /// Signs what was reckoned, unless the same was signed before. Gives the account, and whether it is new.
    fn sign(&self, statement: &mut Statement, scene: &Scene<'_>) -> Result<(Account, bool), Fault> {
        let account = self.account(statement, scene);
        if let Some(ours) = &statement.ours {
            let before: Account = claims(ours)?;
            let is_same = Account { issued_at: account.issued_at, ..before.clone() } == account;
            if is_same {
                return Ok((before, false));
            }
        }
        statement.ours = Some(self.signer.sign(&account)?);
        Ok((account, true))
    }

    /// Both say the same.
    fn agree(
        &self,
        scene: &mut Scene<'_>,
        statement: &mut Statement,
        is_new: bool,
    ) -> Result<(), Fault> {
        let at = scene.at;
        statement.agreed_at = Some(at);
        statement.attempts = 0;
        let (agreed, settled) = self.events;
        let event = Event::of_vendor(agreed, EventType::SettlementAgreed, statement.id.into(), at);
        crate::event::tell(&mut scene.changes, event);
        for difference in scene.books.differences.all(&(statement.id,))? {
            scene.changes.differences.push(Change::Delete(difference.clone()));
        }
        if scene.partner.suspended == Some(Suspended::Disputed) {
            scene.partner = scene.partner.clone().with_suspended(None, at);
        }
        let duty = if statement.net == 0 {
            statement.state = StatementState::Settled;
            let (partner, entries) = (scene.partner.clone(), self.entries);
            let currency = scene.agreement.terms.currency;
            scene.partner =
                book(&mut scene.changes, partner, (statement, currency), None, entries, at)?;
            let kind = EventType::SettlementSettled;
            let event = Event::of_vendor(settled, kind, statement.id.into(), at);
            crate::event::tell(&mut scene.changes, event);
            None
        } else {
            statement.state = StatementState::Agreed;
            statement.pay_until = Some(at.plus(Span::days(scene.agreement.terms.due_days)));
            statement.pay_until
        };
        // Who brought its account has ours as the answer, or asks again. Else the partner is told once more what it has
        // not seen yet: it agrees by that.
        let is_told = self.came == Came::FromPartner || !is_new;
        statement.due_at = if is_told { duty } else { Some(at) };
        self.rouse_next(scene)
    }

    /// The next cycle may have waited for this one.
    fn rouse_next(&self, scene: &mut Scene<'_>) -> Result<(), Fault> {
        let Some(next) = self.cycle.checked_add(1) else { return Ok(()) };
        if let Some(next) = scene.books.statements.get(&(self.partner, next))?
            && next.state == StatementState::Closing
        {
            let due = Statement { due_at: Some(scene.at), attempts: 0, ..next.clone() };
            scene.changes.statements.push(Change::Update(due));
        }
        Ok(())
    }

    /// The two differ: nothing more is exchanged until it is mended.
    fn dispute(&self, scene: &mut Scene<'_>, statement: &mut Statement) {
        let at = scene.at;
        // Our own errand lists the items, and then waits; who asks meanwhile puts nothing off.
        if statement.state != StatementState::Disputed {
            statement.due_at = Some(at);
        } else if self.came == Came::OnErrand {
            statement.due_at = Some(at.plus(AGAIN));
        }
        statement.state = StatementState::Disputed;
        if scene.partner.suspended.is_none() {
            scene.partner = scene.partner.clone().with_suspended(Some(Suspended::Disputed), at);
        }
    }

    fn compare(&self, scene: &mut Scene<'_>, statement: &mut Statement) -> Result<(), Fault> {
        let (ours, is_new) = self.sign(statement, scene)?;
        if statement.state == StatementState::Closing {
            statement.state = StatementState::Closed;
        }
        let Some(theirs) = &statement.theirs else {
            statement.due_at = Some(scene.at);
            statement.attempts = 0;
            return Ok(());
        };
        match compared(&ours, &claims(theirs)?) {
            Compared::Same => self.agree(scene, statement, is_new)?,
            Compared::NotYet => {
                statement.state = StatementState::Closed;
                // It has just got ours as the answer, or is sent it now; its own comes anew by that.
                let wait = pause(statement.attempts);
                statement.due_at = Some(if is_new { scene.at } else { scene.at.plus(wait) });
            }
            Compared::Differ => self.dispute(scene, statement),
        }
        Ok(())
    }
}

impl Command for Reckon {
    type Receipt = Statement;
    type Refusal = StatementRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.agreements.read((self.agreement,));
        wants.differences.read((self.id,));
        let beside = [self.cycle.checked_sub(1), Some(self.cycle), self.cycle.checked_add(1)];
        for cycle in beside.into_iter().flatten() {
            wants.statements.read((self.partner, cycle));
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Statement, StatementRefusal>, Fault> {
        let rows = (
            books.partners.get(&(self.partner,))?,
            books.agreements.get(&(self.agreement,))?,
            books.statements.get(&(self.partner, self.cycle))?,
        );
        let (Some(partner), Some(agreement), Some(known)) = rows else {
            return Ok(Decision::refused(StatementRefusal::NoSuchStatement));
        };
        let changes = Changes::default();
        if known.state.is_agreed() {
            return Ok(Decision::done(known.clone(), changes));
        }
        if known.theirs != self.heard {
            return Ok(Decision::refused(StatementRefusal::Stale));
        }
        let mut scene = Scene { books, changes, partner: partner.clone(), agreement, at };
        let mut statement = known.clone();
        match (self.sums, self.carried(books)?) {
            (Some((out, back)), Some(carried)) => {
                let full = || Fault::Bug("a cycle cannot be reckoned with".into());
                let currency: Unit = agreement.terms.currency;
                statement = statement.with(out, back, carried, currency).ok_or_else(full)?;
                self.compare(&mut scene, &mut statement)?;
            }
            // A commit waits for its answer, or the cycle before for its agreement.
            _ => {
                statement.attempts = statement.attempts.saturating_add(1);
                statement.due_at = Some(at.plus(pause(statement.attempts)));
            }
        }
        let Scene { mut changes, partner: after, .. } = scene;
        if after != *partner {
            changes.partners.push(Change::Update(after));
        }
        if statement != *known {
            changes.statements.push(Change::Update(statement.clone()));
        }
        Ok(Decision::done(statement, changes))
    }
}
