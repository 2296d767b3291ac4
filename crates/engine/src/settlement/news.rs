//! What partners tell each other of a payment, and telling it.
//!
//! ```text
//! debtor ──instructed, sent──▶ creditor: its row           creditor ──signed: paid──▶ debtor: settled
//! ```
//! A word moves a state and nothing that is worth anything. The debtor's books follow a receipt that the creditor has signed: for this
//! server, this cycle, this reference, and exactly the amount. A creditor that was restored finds its own receipt again like that.

use scrip_domain::document::exchange::Paid;
use scrip_domain::event::Event;
use scrip_domain::partner::Partner;
use scrip_domain::statement::{Settlement, SettlementState, Statement, StatementState, reference};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::book::Entries;
use super::staff::settle;
use super::{Known, Rows, SettlementRefusal, TRIES};
use crate::partner::SettlementNews;
use crate::peer::PeerError;
use crate::purchase_request::notice::pause;
use crate::round::{self, AT_ONCE};
use crate::statement::StatementRefusal;
use crate::{Engine, Outcome};

/// For how long a payment that was taken is nobody else's.
const LEASE: Span = Span::minutes(2);
/// Payments of which one round tells.
const ROUND: u32 = 50;

impl Engine {
    /// Takes what a partner tells of the payment of a cycle. Hearing it again changes nothing.
    pub async fn hear_settlement(
        &self,
        partner: &Partner,
        cycle: u32,
        news: SettlementNews,
    ) -> Outcome<(), SettlementRefusal> {
        let news = match news {
            SettlementNews::Instructed(reference) => Heard::Instructed(reference),
            SettlementNews::Sent(reference) => Heard::Sent(reference),
            SettlementNews::Received(receipt) => {
                match self.read_of::<Paid>(partner, &receipt).await? {
                    Ok(paid) => Heard::Paid(receipt, paid),
                    Err(StatementRefusal::Unbelievable(why)) => {
                        tracing::warn!(security = true, partner = %partner.id, cycle, why, "a receipt is not believed");
                        return Ok(Err(SettlementRefusal::Unbelievable(why)));
                    }
                    Err(_) => return Ok(Err(SettlementRefusal::NoSuchSettlement)),
                }
            }
        };
        self.take_news(partner, cycle, news).await
    }

    /// Books a receipt that we had signed ourselves, and have forgotten in a restore. Doing it again changes nothing.
    pub(crate) async fn recall_receipt(
        &self,
        partner: &Partner,
        receipt: String,
        paid: Paid,
    ) -> Outcome<(), SettlementRefusal> {
        let cycle = paid.cycle;
        self.take_news(partner, cycle, Heard::Recalled(receipt, paid)).await
    }

    async fn take_news(
        &self,
        partner: &Partner,
        cycle: u32,
        news: Heard,
    ) -> Outcome<(), SettlementRefusal> {
        for _ in 0..TRIES {
            let Some(statement) = self.store.statement_of(partner.id, cycle).await? else {
                return Ok(Err(SettlementRefusal::NoSuchSettlement));
            };
            let (ours, theirs) = (self.public_url(), partner.url.as_str());
            let (debtor, creditor) =
                if statement.net > 0 { (ours, theirs) } else { (theirs, ours) };
            let command = Hear {
                known: self.know_settlement(&statement).await?,
                news: news.clone(),
                reference: reference(debtor, creditor, cycle),
                id: self.mint()?,
                entries: self.entries()?,
                event: self.mint()?,
            };
            match self.submit(command).await? {
                Err(SettlementRefusal::Stale) => {}
                answer => return Ok(answer),
            }
        }
        Err(Fault::Busy)
    }

    /// Tells partners what is due of payments, once. Gives how many it tried.
    pub(crate) async fn tell_settlements(&self) -> Result<usize, Fault> {
        let due = self.store.settlements_due(self.now(), ROUND).await?;
        round::count(due, AT_ONCE, |settlement| self.tell_settlement(settlement.id)).await
    }

    async fn tell_settlement(&self, id: Id<Settlement>) -> Result<bool, Fault> {
        let Some(row) = self.store.settlement(id).await? else { return Ok(false) };
        let Ok(row) = self.submit(Take { partner: row.partner, id }).await? else {
            return Ok(false);
        };
        let Some((statement, partner)) = self.statement_and_partner(row.statement).await? else {
            return Ok(false);
        };
        let Some(partners) = self.partners() else { return Ok(false) };
        let news = match (&row.receipt, row.state) {
            (Some(receipt), _) => SettlementNews::Received(receipt.clone()),
            (None, SettlementState::Sent) => SettlementNews::Sent(row.reference.clone()),
            (None, _) => SettlementNews::Instructed(row.reference.clone()),
        };
        let heard = partners.settle(&partner.url, statement.cycle, &news).await;
        match &heard {
            Ok(()) => {}
            Err(PeerError::Unanswered(why)) => {
                tracing::info!(settlement = %id, why, "a partner was not told of a payment");
            }
            Err(error) => {
                tracing::warn!(settlement = %id, %error, "a partner does not take what it is told of a payment");
            }
        }
        let (state, attempts) = (row.state, row.attempts);
        let told = Told { partner: row.partner, id, state, attempts, heard: heard.is_ok() };
        let Ok(()) = self.submit(told).await?;
        Ok(true)
    }
}

/// What was told, and verified where it is signed.
#[derive(Clone, Debug)]
enum Heard {
    Instructed(String),
    Sent(String),
    Paid(String, Paid),
    /// Our own receipt.
    Recalled(String, Paid),
}

struct Hear {
    known: Known,
    news: Heard,
    /// What the payment is called.
    reference: String,
    /// The name of our row of it, if there is none yet.
    id: Id<Settlement>,
    entries: Entries,
    event: Id<Event>,
}

impl Hear {
    /// Our row of the payment, or what becomes it.
    fn row(&self, rows: &Rows<'_>, at: Timestamp) -> Result<Settlement, Fault> {
        if let Some(known) = rows.settlement {
            return Ok(known.clone());
        }
        let full = || Fault::Bug("a net amount is out of range".into());
        let money = rows.statement.money(rows.agreement.terms.currency).ok_or_else(full)?;
        Ok(Settlement {
            id: self.id,
            statement: rows.statement.id,
            partner: rows.partner.id,
            reference: self.reference.clone(),
            method: None,
            state: SettlementState::Instructed,
            money,
            at,
            ended_at: None,
            receipt: None,
            due_at: None,
            attempts: 0,
        })
    }

    /// Moves our row to what the debtor says, forward only.
    fn follow(
        &self,
        rows: &Rows<'_>,
        (state, said): (SettlementState, &str),
        at: Timestamp,
    ) -> Result<Decision<(), SettlementRefusal>, Fault> {
        let Rows { statement, settlement, .. } = rows;
        if statement.net >= 0 {
            return Ok(Decision::refused(SettlementRefusal::OtherSide));
        }
        if said != self.reference {
            let why = "the payment is called otherwise".to_owned();
            return Ok(Decision::refused(SettlementRefusal::Unbelievable(why)));
        }
        let mut changes = Changes::default();
        if settlement.is_some_and(|known| known.state >= state) {
            return Ok(Decision::done((), changes));
        }
        let row = Settlement { state, ..self.row(rows, at)? };
        let state = state.of_statement();
        changes.statements.push(Change::Update(Statement { state, ..(*statement).clone() }));
        changes.settlements.push(match settlement {
            Some(_) => Change::Update(row),
            None => Change::Insert(row),
        });
        Ok(Decision::done((), changes))
    }

    /// Books what the creditor has signed: the partner, or we ourselves.
    fn believe(
        &self,
        rows: &Rows<'_>,
        (receipt, paid, is_ours): (&str, &Paid, bool),
        at: Timestamp,
    ) -> Result<Decision<(), SettlementRefusal>, Fault> {
        let Rows { statement, settlement, .. } = rows;
        if statement.net == 0 || (statement.net < 0) != is_ours {
            return Ok(Decision::refused(SettlementRefusal::OtherSide));
        }
        let mut changes = Changes::default();
        if statement.state == StatementState::Settled {
            return Ok(Decision::done((), changes));
        }
        let row = self.row(rows, at)?;
        let is_it = paid.cycle == statement.cycle
            && paid.reference == self.reference
            && paid.money == row.money;
        if !is_it {
            let why = "the receipt is about another payment".to_owned();
            return Ok(Decision::refused(SettlementRefusal::Unbelievable(why)));
        }
        let receipt = Some(receipt.to_owned());
        let (state, ended_at) = (SettlementState::Settled, Some(at));
        let row = Settlement { state, receipt, ended_at, due_at: None, ..row };
        settle(&mut changes, rows, &self.known, self.entries, self.event, at)?;
        changes.settlements.push(match settlement {
            Some(_) => Change::Update(row),
            None => Change::Insert(row),
        });
        Ok(Decision::done((), changes))
    }
}

impl Command for Hear {
    type Receipt = ();
    type Refusal = SettlementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<(), SettlementRefusal>, Fault> {
        let rows = match self.known.rows(books)? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        // Who has not agreed yet is told again.
        if !rows.statement.state.is_agreed() {
            return Ok(Decision::refused(SettlementRefusal::State(rows.statement.state)));
        }
        match &self.news {
            Heard::Instructed(said) => self.follow(&rows, (SettlementState::Instructed, said), at),
            Heard::Sent(said) => self.follow(&rows, (SettlementState::Sent, said), at),
            Heard::Paid(receipt, paid) => self.believe(&rows, (receipt, paid, false), at),
            Heard::Recalled(receipt, paid) => self.believe(&rows, (receipt, paid, true), at),
        }
    }
}

/// It is not due any more.
struct NotDue;

struct Take {
    partner: Id<Partner>,
    id: Id<Settlement>,
}

impl Command for Take {
    type Receipt = Settlement;
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.settlements.read((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<Settlement, NotDue>, Fault> {
        let known = books.settlements.get(&(self.id,))?;
        let Some(known) = known.filter(|row| row.due_at.is_some_and(|due| due <= at)) else {
            return Ok(Decision::refused(NotDue));
        };
        let attempts = known.attempts.saturating_add(1);
        let taken = Settlement { due_at: Some(at.plus(LEASE)), attempts, ..known.clone() };
        let mut changes = Changes::default();
        changes.settlements.push(Change::Update(taken.clone()));
        Ok(Decision::done(taken, changes))
    }
}

struct Told {
    partner: Id<Partner>,
    id: Id<Settlement>,
    state: SettlementState,
    attempts: u32,
    heard: bool,
}

impl Command for Told {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.settlements.read((self.id,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let known = books.settlements.get(&(self.id,))?;
        // Something newer is to be told by now.
        let is_so = |known: &&Settlement| {
            known.state == self.state && known.attempts == self.attempts && known.due_at.is_some()
        };
        if let Some(known) = known.filter(is_so) {
            let due_at = (!self.heard).then(|| at.plus(pause(self.attempts)));
            changes.settlements.push(Change::Update(Settlement { due_at, ..known.clone() }));
        }
        Ok(Decision::done((), changes))
    }
}
