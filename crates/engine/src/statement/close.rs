//! Closing a cycle: the next commit belongs to the next one.
//!
//! ```text
//! cycle n is open ──staff, the clock, the partner's account of n, or a commit that is settled by itself──▶ n is closing, n + 1 is open
//! ```

use scrip_domain::agreement::{Agreement, Cycle};
use scrip_domain::audit::Act;
use scrip_domain::partner::Partner;
use scrip_domain::statement::Statement;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::reads::Page;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::StatementRefusal;
use crate::audit::{Note, Staff, difference};
use crate::round::{self, IN_TURN};
use crate::{Engine, Outcome};

/// Partners that one round looks at.
const ROUND: u32 = 100;

/// Closes the partner's open cycle. The caller writes the partner.
pub(crate) fn close(
    changes: &mut Changes,
    partner: Partner,
    agreement: Id<Agreement>,
    id: Id<Statement>,
    at: Timestamp,
) -> Result<(Partner, Statement), Fault> {
    let full = || Fault::Bug("cycles have run out".into());
    let cycle = partner.cycle.checked_add(1).ok_or_else(full)?;
    let statement = Statement::closing(id, &partner, agreement, at);
    changes.statements.push(Change::Insert(statement.clone()));
    Ok((Partner { cycle, cycle_began_at: at, ..partner }, statement))
}

impl Engine {
    /// Closes the open cycle with the partner of an agreement; or shows the statement of `cycle`, when that is closed.
    pub async fn close_cycle(
        &self,
        by: Staff,
        agreement: Id<Agreement>,
        cycle: Option<u32>,
    ) -> Outcome<Statement, StatementRefusal> {
        let Some(named) = self.store.agreement(agreement).await? else {
            return Ok(Err(StatementRefusal::NoSuchStatement));
        };
        let Some(partner) = self.store.partner(named.partner).await? else {
            return Ok(Err(StatementRefusal::NoSuchStatement));
        };
        let note = self.note(by)?;
        let statement = match self.close_open(&partner, cycle, Some(note)).await? {
            Ok(statement) => statement,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // What can be done at once is; the worker does the rest.
        self.drive_statement(statement.id).await?;
        let lost = || Fault::Bug("a statement is gone".into());
        Ok(Ok(self.store.statement(statement.id).await?.ok_or_else(lost)?))
    }

    /// Closes the open cycle if it is `cycle`, or whichever it is.
    pub(crate) async fn close_open(
        &self,
        partner: &Partner,
        cycle: Option<u32>,
        note: Option<Note>,
    ) -> Outcome<Statement, StatementRefusal> {
        let Some(agreement) = self.settling_agreement(partner).await? else {
            return Ok(Err(StatementRefusal::NoSuchCycle));
        };
        let cycle = cycle.unwrap_or(partner.cycle);
        let (partner, id) = (partner.id, self.mint()?);
        self.submit(Close { partner, agreement: agreement.id, cycle, id, note }).await
    }

    /// Closes the cycles whose days are over. Gives how many.
    pub(super) async fn close_due(&self) -> Result<usize, Fault> {
        let mut closed = Ok(0);
        let mut page = Page { after: None, limit: ROUND };
        loop {
            let partners = self.store.partners(page).await?;
            page.after = partners.last().map(|partner| partner.id.number());
            let is_last = partners.len() < usize::try_from(ROUND).unwrap_or(usize::MAX);
            let of_page = round::count(partners, IN_TURN, |partner| self.close_if_over(partner));
            let of_page = of_page.await;
            closed = closed.and_then(|sum: usize| Ok(sum.saturating_add(of_page?)));
            if is_last {
                return closed;
            }
        }
    }

    async fn close_if_over(&self, partner: Partner) -> Result<bool, Fault> {
        Ok(self.is_over(&partner).await?
            && self.close_open(&partner, Some(partner.cycle), None).await?.is_ok())
    }

    /// Whether a partner's open cycle is to be closed: its days are over; or no days are agreed on, and there is something in it.
    async fn is_over(&self, partner: &Partner) -> Result<bool, Fault> {
        let Some(agreement) = self.settling_agreement(partner).await? else { return Ok(false) };
        match agreement.terms.cycle {
            Cycle::Days { days } if partner.agreement.is_some() => {
                Ok(partner.cycle_began_at.plus(Span::days(days)) <= self.now())
            }
            _ if partner.is_even() => Ok(false),
            _ => {
                let of = (partner.id, partner.cycle);
                Ok(!self.store.cycle_items(of, true, None, 1).await?.is_empty()
                    || !self.store.cycle_items(of, false, None, 1).await?.is_empty())
            }
        }
    }
}

struct Close {
    partner: Id<Partner>,
    agreement: Id<Agreement>,
    cycle: u32,
    id: Id<Statement>,
    /// Of the staff, if it was them.
    note: Option<Note>,
}

impl Command for Close {
    type Receipt = Statement;
    type Refusal = StatementRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Statement, StatementRefusal>, Fault> {
        if let Some(closed) = books.statements.get(&(self.partner, self.cycle))? {
            return Ok(Decision::done(closed.clone(), Changes::default()));
        }
        let partner = books.partners.get(&(self.partner,))?;
        let Some(partner) = partner.filter(|partner| partner.cycle == self.cycle) else {
            return Ok(Decision::refused(StatementRefusal::NoSuchCycle));
        };
        let mut changes = Changes::default();
        let (partner, statement) =
            close(&mut changes, partner.clone(), self.agreement, self.id, at)?;
        if let Some(note) = &self.note {
            let what = json!({ "partner": partner.id, "cycle": statement.cycle });
            let what = difference(&Value::Null, &what);
            note.write(&mut changes, Act::CycleClosed, statement.id, what, at);
        }
        changes.partners.push(Change::Update(partner));
        Ok(Decision::done(statement, changes))
    }
}
