//! The worker of statements: what is due is told, compared, listed, or reminded of.
//!
//! ```text
//! due ─▶ taken (moved ahead, so that no other server runs it) ─▶ called ─▶ reckoned ─▶ done, or due again, later each time
//! ```
//! Every call can be repeated without a second effect, so a worker that dies between any two steps costs a little time.

use std::collections::VecDeque;

use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::statement::{
    CycleItem, Difference, MAX_DIFFERENCES, PATIENCE, Statement, StatementState, Unlike, unlike,
};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::reckon::Came;
use super::{ITEMS, StatementRefusal};
use crate::partner::{Item, Way};
use crate::peer::PeerError;
use crate::purchase_request::notice::pause;
use crate::round::{self, AT_ONCE};
use crate::{Engine, Outcome};

/// For how long a statement that was taken is nobody else's.
const LEASE: Span = Span::minutes(2);
/// Statements that one round takes on.
const ROUND: u32 = 50;

impl Engine {
    /// Closes the cycles that are over, and does once what is due of statements and payments. Gives how much it did.
    pub async fn run_settlements(&self) -> Result<usize, Fault> {
        // What a partner has not shown after a restore is missing in the sums.
        if self.partners().is_none() || self.holds_tokens_still() {
            return Ok(0);
        }
        let closed = self.close_due().await;
        let due = self.store.statements_due(self.now(), ROUND).await?;
        let ran = round::count(due, AT_ONCE, |statement| self.run_statement(statement)).await;
        let told = self.tell_settlements().await?;
        Ok(closed?.saturating_add(ran?).saturating_add(told))
    }

    async fn run_statement(&self, statement: Statement) -> Result<bool, Fault> {
        let take = Take { partner: statement.partner, cycle: statement.cycle };
        if self.submit(take).await?.is_err() {
            return Ok(false);
        }
        self.drive_statement(statement.id).await?;
        Ok(true)
    }

    /// Compares a disputed statement with the partner's once more, now.
    pub async fn compare_statement(
        &self,
        id: Id<Statement>,
    ) -> Outcome<Statement, StatementRefusal> {
        let Some(statement) = self.store.statement(id).await? else {
            return Ok(Err(StatementRefusal::NoSuchStatement));
        };
        if !statement.state.is_agreed() {
            self.drive_statement(id).await?;
        }
        let statement = self.store.statement(id).await?;
        Ok(statement.ok_or(StatementRefusal::NoSuchStatement))
    }

    /// Does with a statement what its state asks for, as far as that goes now.
    pub(super) async fn drive_statement(&self, id: Id<Statement>) -> Result<(), Fault> {
        let Some((mut statement, partner)) = self.statement_and_partner(id).await? else {
            return Ok(());
        };
        if statement.state == StatementState::Closing {
            statement = self.reckon(statement, Came::OnErrand).await?;
        }
        match statement.state {
            StatementState::Closing => Ok(()),
            StatementState::Closed | StatementState::Disputed => {
                let after = self.exchange_accounts(&statement, &partner).await?;
                match after {
                    Some(after) if after.state == StatementState::Disputed => {
                        self.list_differences(&after, &partner).await
                    }
                    Some(after) if after.state.is_agreed() => self.attend(&after, &partner).await,
                    _ => Ok(()),
                }
            }
            _ => self.attend(&statement, &partner).await,
        }
    }

    /// Tells the partner our account, and reckons with what it answers. Nothing when there is no answer, or none yet.
    async fn exchange_accounts(
        &self,
        statement: &Statement,
        partner: &Partner,
    ) -> Result<Option<Statement>, Fault> {
        let (Some(partners), Some(ours)) = (self.partners(), &statement.ours) else {
            return Ok(None);
        };
        match partners.account(&partner.url, statement.cycle, ours).await {
            Ok(Some(theirs)) => {
                if let Ok(kept) = self.keep_account(partner, statement.cycle, theirs).await? {
                    return self.reckon(kept, Came::OnErrand).await.map(Some);
                }
            }
            Ok(None) => {}
            Err(error) => tell(statement, &error),
        }
        let later = Later { partner: statement.partner, cycle: statement.cycle };
        let Ok(()) = self.submit(later).await?;
        Ok(None)
    }

    /// Looks after a statement that is agreed: the partner is to know our account, and to pay in time.
    async fn attend(&self, statement: &Statement, partner: &Partner) -> Result<(), Fault> {
        if statement.due_at.is_none() {
            return Ok(());
        }
        let is_early = statement.pay_until.is_none_or(|until| self.now() < until);
        let told = match (self.partners(), &statement.ours) {
            (Some(partners), Some(ours)) if is_early => {
                let told = partners.account(&partner.url, statement.cycle, ours).await;
                told.as_ref().err().inspect(|error| tell(statement, error));
                told.is_ok()
            }
            _ => false,
        };
        let (partner, cycle) = (statement.partner, statement.cycle);
        let Ok(()) = self.submit(Attend { partner, cycle, told, event: self.mint()? }).await?;
        Ok(())
    }

    /// Puts on record in which exchanges a disputed statement and the partner's differ.
    async fn list_differences(
        &self,
        statement: &Statement,
        partner: &Partner,
    ) -> Result<(), Fault> {
        let mut differences = Vec::new();
        for ours in [true, false] {
            let found = match self.unlike_items(statement, partner, ours).await? {
                Ok(found) => found,
                Err(error) => {
                    tell(statement, &error);
                    return Ok(());
                }
            };
            differences.extend(found.into_iter().map(|Unlike { exchange, here, there }| {
                Difference { statement: statement.id, ours, exchange, here, there }
            }));
        }
        differences.truncate(MAX_DIFFERENCES);
        let (partner, cycle, id) = (statement.partner, statement.cycle, statement.id);
        let Ok(()) = self.submit(List { partner, cycle, id, differences }).await?;
        Ok(())
    }

    /// Compares one half item by item, in pages on both sides.
    async fn unlike_items(
        &self,
        statement: &Statement,
        partner: &Partner,
        ours: bool,
    ) -> Result<Result<Vec<Unlike>, PeerError>, Fault> {
        let Some(partners) = self.partners() else { return Ok(Ok(Vec::new())) };
        // Whose commits: the partner is asked in its own terms.
        let way = if ours { Way::In } else { Way::Out };
        let of = (statement.partner, statement.cycle);
        let (mut here, mut there) = (VecDeque::new(), VecDeque::new());
        let (mut last_here, mut last_there) = (None, None);
        let mut ended = (false, false);
        let mut found = Vec::new();
        while found.len() < MAX_DIFFERENCES && ended != (true, true) {
            if here.is_empty() && !ended.0 {
                let page = self.store.cycle_items(of, ours, last_here, ITEMS).await?;
                last_here = page.last().map(|item| item.exchange).or(last_here);
                ended.0 = page.is_empty();
                here.extend(page);
            }
            if there.is_empty() && !ended.1 {
                let after = last_there.map(|id: Id<Exchange>| id.to_string());
                let page =
                    partners.items(&partner.url, statement.cycle, way, after.as_deref()).await;
                let page = match page.and_then(|page| in_order(&page, last_there)) {
                    Ok(page) => page,
                    Err(error) => return Ok(Err(error)),
                };
                last_there = page.last().map(|item| item.exchange).or(last_there);
                ended.1 = page.is_empty();
                there.extend(page);
            }
            found.extend(unlike(&mut here, &mut there, ended));
        }
        Ok(Ok(found))
    }
}

/// A partner's page, if it goes on after what came before and has nothing twice.
fn in_order(page: &[Item], after: Option<Id<Exchange>>) -> Result<Vec<CycleItem>, PeerError> {
    let mut last = after;
    let mut items = Vec::with_capacity(page.len());
    for item in page {
        let unbelievable = |why: &str| PeerError::Unbelievable(why.to_owned());
        let exchange: Id<Exchange> =
            item.exchange.parse().map_err(|_| unbelievable("an exchange that is none"))?;
        if last.is_some_and(|last| exchange <= last) {
            return Err(unbelievable("exchanges out of order"));
        }
        last = Some(exchange);
        items.push(CycleItem { exchange, compensation: item.compensation });
    }
    Ok(items)
}

/// A call that brought nothing is on record.
fn tell(statement: &Statement, error: &PeerError) {
    let Statement { id, cycle, .. } = statement;
    match error {
        PeerError::Unbelievable(why) => {
            tracing::warn!(target: "security", statement = %id, cycle, why, "what a partner says of a cycle is not believed");
        }
        PeerError::Unanswered(why) => {
            tracing::info!(statement = %id, cycle, why, "a partner gave no answer about a cycle");
        }
        PeerError::Refused { code, detail, .. } => {
            tracing::warn!(statement = %id, cycle, code, detail, "a partner refuses our account");
        }
    }
}

/// It is not due any more: done, or somebody else's.
struct NotDue;

struct Take {
    partner: Id<Partner>,
    cycle: u32,
}

impl Command for Take {
    type Receipt = ();
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotDue>, Fault> {
        let known = books.statements.get(&(self.partner, self.cycle))?;
        let Some(known) = known.filter(|row| row.due_at.is_some_and(|due| due <= at)) else {
            return Ok(Decision::refused(NotDue));
        };
        let mut changes = Changes::default();
        let taken = Statement { due_at: Some(at.plus(LEASE)), ..known.clone() };
        changes.statements.push(Change::Update(taken));
        Ok(Decision::done((), changes))
    }
}

/// There was no answer, or none yet.
struct Later {
    partner: Id<Partner>,
    cycle: u32,
}

impl Command for Later {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let known = books.statements.get(&(self.partner, self.cycle))?;
        if let Some(known) = known.filter(|known| !known.state.is_agreed()) {
            let attempts = known.attempts.saturating_add(1);
            let due_at = Some(at.plus(pause(attempts)));
            changes.statements.push(Change::Update(Statement {
                due_at,
                attempts,
                ..known.clone()
            }));
        }
        Ok(Decision::done((), changes))
    }
}

/// What the clock does to an agreed statement.
struct Attend {
    partner: Id<Partner>,
    cycle: u32,
    /// Whether the partner knows our account for sure.
    told: bool,
    event: Id<Event>,
}

impl Command for Attend {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let rows = (
            books.partners.get(&(self.partner,))?,
            books.statements.get(&(self.partner, self.cycle))?,
        );
        let (Some(partner), Some(known)) = rows else { return Ok(Decision::done((), changes)) };
        let mut statement = known.clone();
        let again = || Some(at.plus(pause(known.attempts.saturating_add(1))));
        match known.pay_until.filter(|_| known.state.is_unpaid()) {
            Some(until) if at < until => {
                statement.due_at = if self.told { Some(until) } else { again() };
            }
            Some(until) if at < until.plus(PATIENCE) => {
                let kind = EventType::SettlementOverdue;
                let event = Event::of_vendor(self.event, kind, known.id.into(), at);
                crate::event::tell(&mut changes, event);
                tracing::warn!(statement = %known.id, partner = %partner.id, "a payment between partners is overdue");
                statement.due_at = Some(until.plus(PATIENCE));
            }
            Some(_) => {
                statement.due_at = None;
                // The creditor waits no longer.
                if known.net < 0 && partner.suspended.is_none() {
                    let partner = partner.clone().with_suspended(Some(Suspended::Overdue), at);
                    changes.partners.push(Change::Update(partner));
                }
            }
            None => statement.due_at = if self.told { None } else { again() },
        }
        let waits = !self.told && statement.due_at.is_some();
        statement.attempts = if waits { known.attempts.saturating_add(1) } else { 0 };
        if statement != *known {
            changes.statements.push(Change::Update(statement));
        }
        Ok(Decision::done((), changes))
    }
}

struct List {
    partner: Id<Partner>,
    cycle: u32,
    id: Id<Statement>,
    differences: Vec<Difference>,
}

impl Command for List {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.statements.read((self.partner, self.cycle));
        wants.differences.read((self.id,));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let known = books.statements.get(&(self.partner, self.cycle))?;
        // Mended meanwhile, it differs in nothing.
        if known.is_some_and(|known| known.state == StatementState::Disputed) {
            for old in books.differences.all(&(self.id,))? {
                changes.differences.push(Change::Delete(old.clone()));
            }
            for new in &self.differences {
                changes.differences.push(Change::Insert(new.clone()));
            }
        }
        Ok(Decision::done((), changes))
    }
}

#[cfg(test)]
mod tests {
    use scrip_domain::Amount;

    use super::*;

    fn item(exchange: u64) -> Item {
        let exchange = Id::<Exchange>::new(exchange).unwrap().to_string();
        Item { exchange, compensation: Amount::ONE }
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_ended() {
        let after = Id::new(3);
        let page = in_order(&[item(4), item(9)], after).unwrap();
        assert_eq!(page.iter().map(|item| item.exchange.number()).collect::<Vec<_>>(), [4, 9]);
        let foreign = Item { exchange: "ord_0000000000009".into(), compensation: Amount::ONE };
        for bad in [vec![item(3)], vec![item(4), item(4)], vec![item(5), item(4)], vec![foreign]] {
            assert!(matches!(in_order(&bad, after), Err(PeerError::Unbelievable(_))), "{bad:?}");
        }
    }
}
