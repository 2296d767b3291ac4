//! What staff does with a payment: instruct it, say that it has gone out, that it has come, or that it will not.
//!
//! ```text
//! debtor: instruct ─▶ (the file for the bank) ─▶ sent            creditor: (instruct) ─▶ received, or write off
//! ```

use scrip_domain::audit::Act;
use scrip_domain::bank::{BankDetails, OWN};
use scrip_domain::document::exchange::Paid;
use scrip_domain::event::{Event, EventType};
use scrip_domain::partner::{Partner, Suspended};
use scrip_domain::request::Request;
use scrip_domain::statement::{
    Settlement, SettlementKey, SettlementMethod, SettlementState, Statement, StatementState,
    reference,
};
use scrip_domain::{Id, Money, Timestamp, pain001};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::book::{Ended, Entries, book};
use super::{Known, Rows, SettlementRefusal, TRIES};
use crate::audit::{Note, Staff, difference};
use crate::purchase::Answered;
use crate::purchase_request::Signer;
use crate::{Engine, Outcome};

/// What has come.
#[derive(Clone, Debug)]
pub struct ReceiptAsk {
    /// How much.
    pub money: Money,
    /// Where it stands in our own papers.
    pub reference: Option<String>,
}

impl Engine {
    /// Enters the payment of an agreed statement: who pays says how. Doing it again changes nothing.
    pub async fn instruct(
        &self,
        by: Staff,
        statement: Id<Statement>,
        method: Option<SettlementMethod>,
    ) -> Outcome<Settlement, SettlementRefusal> {
        for _ in 0..TRIES {
            let Some((row, partner)) = self.statement_and_partner(statement).await? else {
                return Ok(Err(SettlementRefusal::NoSuchSettlement));
            };
            let (ours, theirs) = (self.public_url(), partner.url.as_str());
            let (debtor, creditor) = if row.net > 0 { (ours, theirs) } else { (theirs, ours) };
            let command = Instruct {
                known: self.know_settlement(&row).await?,
                method,
                reference: reference(debtor, creditor, row.cycle),
                id: self.mint()?,
                note: self.note(by)?,
            };
            match self.submit(command).await? {
                Err(SettlementRefusal::Stale) => {}
                answer => return Ok(answer),
            }
        }
        Err(Fault::Busy)
    }

    /// Has a payment changed by the command that `made` makes of what is known of it.
    async fn settled_by<C>(
        &self,
        id: Id<Settlement>,
        made: impl Fn(Known, &Settlement, &Partner) -> Result<C, Fault>,
    ) -> Outcome<C::Receipt, SettlementRefusal>
    where
        C: Command<Refusal = SettlementRefusal>,
    {
        for _ in 0..TRIES {
            let Some(settlement) = self.store.settlement(id).await? else {
                return Ok(Err(SettlementRefusal::NoSuchSettlement));
            };
            let Some((statement, partner)) =
                self.statement_and_partner(settlement.statement).await?
            else {
                return Ok(Err(SettlementRefusal::NoSuchSettlement));
            };
            let known = self.know_settlement(&statement).await?;
            match self.submit(made(known, &settlement, &partner)?).await? {
                Err(SettlementRefusal::Stale) => {}
                answer => return Ok(answer),
            }
        }
        Err(Fault::Busy)
    }

    /// Says that the money has gone out. Doing it again changes nothing.
    pub async fn settlement_sent(
        &self,
        by: Staff,
        id: Id<Settlement>,
    ) -> Outcome<Settlement, SettlementRefusal> {
        self.settled_by(id, |known, _, _| Ok(Send { known, note: self.note(by)? })).await
    }

    /// Says that the money has come: exactly what was to be paid. The debtor is told by a signed receipt.
    pub async fn settlement_received(
        &self,
        by: Staff,
        id: Id<Settlement>,
        ask: ReceiptAsk,
        request: Request,
    ) -> Outcome<Answered<Settlement>, SettlementRefusal> {
        let answer = self.settled_by(id, |known, _, _| {
            Ok(Receive {
                known,
                ask: ask.clone(),
                request,
                signer: self.signer(),
                entries: self.entries()?,
                event: self.mint()?,
                note: self.note(by)?,
            })
        });
        answer.await
    }

    /// Gives the payment up. Doing it again changes nothing.
    pub async fn write_off_settlement(
        &self,
        by: Staff,
        id: Id<Settlement>,
    ) -> Outcome<Settlement, SettlementRefusal> {
        self.settled_by(id, |known, _, _| {
            Ok(WriteOff { known, entries: self.entries()?, note: self.note(by)? })
        })
        .await
    }

    /// The file by which a bank makes a payment.
    pub async fn pain001(&self, id: Id<Settlement>) -> Outcome<String, SettlementRefusal> {
        let Some(settlement) = self.store.settlement(id).await? else {
            return Ok(Err(SettlementRefusal::NoSuchSettlement));
        };
        let Some(statement) = self.store.statement(settlement.statement).await? else {
            return Ok(Err(SettlementRefusal::NoSuchSettlement));
        };
        if settlement.method != Some(SettlementMethod::Pain001) {
            return Ok(Err(SettlementRefusal::OtherSide));
        }
        // Once it has arrived, or was given up, nobody is to pay it again.
        if !statement.state.is_unpaid() {
            return Ok(Err(SettlementRefusal::State(statement.state)));
        }
        let Some(debtor) = self.store.bank_details(OWN).await? else {
            return Ok(Err(SettlementRefusal::NoBankDetails { ours: true }));
        };
        let Some(creditor) = self.store.bank_details(settlement.partner.number()).await? else {
            return Ok(Err(SettlementRefusal::NoBankDetails { ours: false }));
        };
        let remittance = format!("{} cycle {}", settlement.reference, statement.cycle);
        Ok(Ok(pain001::file(&pain001::Transfer {
            reference: &settlement.reference,
            at: settlement.at,
            money: settlement.money,
            debtor: &debtor,
            creditor: &creditor,
            remittance: &remittance,
        })))
    }

    /// Says where money goes to: a partner's account, or our own. Doing it again changes nothing.
    pub async fn put_bank_details(
        &self,
        by: Staff,
        details: BankDetails,
    ) -> Outcome<BankDetails, std::convert::Infallible> {
        self.submit(PutBank { details, note: self.note(by)? }).await
    }
}

struct Instruct {
    known: Known,
    method: Option<SettlementMethod>,
    reference: String,
    id: Id<Settlement>,
    note: Note,
}

impl Instruct {
    /// Whether both accounts are there that a file for a bank needs.
    fn lacks_details(&self, books: &Books) -> Result<Option<SettlementRefusal>, Fault> {
        for (owner, ours) in [(OWN, true), (self.known.partner.number(), false)] {
            if books.bank_details.get(&(owner,))?.is_none() {
                return Ok(Some(SettlementRefusal::NoBankDetails { ours }));
            }
        }
        Ok(None)
    }
}

impl Command for Instruct {
    type Receipt = Settlement;
    type Refusal = SettlementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
        wants.bank_details.read((OWN,));
        wants.bank_details.read((self.known.partner.number(),));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Settlement, SettlementRefusal>, Fault> {
        let Rows { partner, agreement, statement, settlement } = match self.known.rows(books)? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let pays = statement.net > 0;
        let refused = |refusal| Ok(Decision::refused(refusal));
        if let Some(known) = settlement {
            let is_same = self.method.is_none() || known.method == self.method;
            return if is_same {
                Ok(Decision::done(known.clone(), Changes::default()))
            } else {
                refused(SettlementRefusal::Instructed(known.id))
            };
        }
        if statement.state != StatementState::Agreed {
            return refused(SettlementRefusal::State(statement.state));
        }
        if self.method.is_some() != pays {
            return refused(SettlementRefusal::OtherSide);
        }
        if self.method == Some(SettlementMethod::Pain001)
            && let Some(refusal) = self.lacks_details(books)?
        {
            return refused(refusal);
        }
        let full = || Fault::Bug("a net amount is out of range".into());
        let row = Settlement {
            id: self.id,
            statement: statement.id,
            partner: partner.id,
            reference: self.reference.clone(),
            method: self.method,
            state: SettlementState::Instructed,
            money: statement.money(agreement.terms.currency).ok_or_else(full)?,
            at,
            ended_at: None,
            receipt: None,
            due_at: pays.then_some(at),
            attempts: 0,
        };
        let mut changes = Changes::default();
        changes.settlements.push(Change::Insert(row.clone()));
        let state = StatementState::Instructed;
        changes.statements.push(Change::Update(Statement { state, ..statement.clone() }));
        let what = json!({ "statement": statement.id, "method": self.method, "money": row.money });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::SettlementInstructed, row.id, what, at);
        Ok(Decision::done(row, changes))
    }
}

struct Send {
    known: Known,
    note: Note,
}

impl Command for Send {
    type Receipt = Settlement;
    type Refusal = SettlementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Settlement, SettlementRefusal>, Fault> {
        let rows = match self.known.rows(books)? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let (statement, Some(known)) = (rows.statement, rows.settlement) else {
            return Ok(Decision::refused(SettlementRefusal::NoSuchSettlement));
        };
        if statement.net < 0 {
            return Ok(Decision::refused(SettlementRefusal::OtherSide));
        }
        let mut changes = Changes::default();
        match known.state {
            SettlementState::Sent => Ok(Decision::done(known.clone(), changes)),
            SettlementState::Instructed => {
                let state = SettlementState::Sent;
                let row = Settlement { state, due_at: Some(at), attempts: 0, ..known.clone() };
                changes.settlements.push(Change::Update(row.clone()));
                let state = StatementState::Sent;
                changes.statements.push(Change::Update(Statement { state, ..statement.clone() }));
                self.note.write(&mut changes, Act::SettlementSent, row.id, json!({}), at);
                Ok(Decision::done(row, changes))
            }
            _ => Ok(Decision::refused(SettlementRefusal::State(statement.state))),
        }
    }
}

struct Receive {
    known: Known,
    ask: ReceiptAsk,
    request: Request,
    signer: Signer,
    entries: Entries,
    event: Id<Event>,
    note: Note,
}

impl Receive {
    /// What the debtor is told.
    fn sign(&self, known: &Settlement, rows: &Rows<'_>, at: Timestamp) -> Result<String, Fault> {
        self.signer.sign(&Paid {
            issuer: self.signer.issuer().to_owned(),
            audience: rows.partner.url.clone(),
            issued_at: at.unix_seconds(),
            cycle: rows.statement.cycle,
            reference: known.reference.clone(),
            money: known.money,
        })
    }

    fn record(&self, changes: &mut Changes, row: &Settlement, at: Timestamp) {
        let what = json!({ "money": self.ask.money, "reference": self.ask.reference });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::SettlementReceived, row.id, what, at);
        changes.settlement_keys.push(Change::Insert(SettlementKey {
            key: self.request.key,
            fingerprint: self.request.fingerprint,
            settlement: row.id,
        }));
    }
}

impl Command for Receive {
    type Receipt = Answered<Settlement>;
    type Refusal = SettlementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
        wants.settlement_keys.guard((self.request.key,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, SettlementRefusal>, Fault> {
        let rows = match self.known.rows(books)? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let (statement, Some(known)) = (rows.statement, rows.settlement) else {
            return Ok(Decision::refused(SettlementRefusal::NoSuchSettlement));
        };
        let refused = |refusal| Ok(Decision::refused(refusal));
        if let Some(key) = books.settlement_keys.get(&(self.request.key,))? {
            let is_same = key.fingerprint == self.request.fingerprint && key.settlement == known.id;
            return if is_same {
                Ok(Decision::done(Answered::Replayed(known.clone()), Changes::default()))
            } else {
                refused(SettlementRefusal::KeyReused)
            };
        }
        if statement.net > 0 {
            return refused(SettlementRefusal::OtherSide);
        }
        let is_late = known.state == SettlementState::WrittenOff && known.receipt.is_none();
        if known.state == SettlementState::Settled
            || known.state == SettlementState::WrittenOff && !is_late
        {
            return refused(SettlementRefusal::State(statement.state));
        }
        if self.ask.money != known.money {
            return refused(SettlementRefusal::Amount { due: known.money });
        }

        // From here on it succeeds.
        let mut changes = Changes::default();
        let receipt = Some(self.sign(known, &rows, at)?);
        let mut row = Settlement { receipt, due_at: Some(at), attempts: 0, ..known.clone() };
        // What was given up is booked already: that it came after all, the debtor hears all the same.
        if !is_late {
            row.state = SettlementState::Settled;
            row.ended_at = Some(at);
            settle(&mut changes, &rows, &self.known, self.entries, self.event, at)?;
        }
        self.record(&mut changes, &row, at);
        changes.settlements.push(Change::Update(row.clone()));
        Ok(Decision::done(Answered::First(row), changes))
    }
}

/// Settles a statement: its entries, the event, and the end of a suspension that was for this.
pub(super) fn settle(
    changes: &mut Changes,
    rows: &Rows<'_>,
    known: &Known,
    entries: Entries,
    event: Id<Event>,
    at: Timestamp,
) -> Result<(), Fault> {
    let Rows { partner, agreement, statement, .. } = rows;
    let currency = agreement.terms.currency;
    let paid = Some(Ended::Paid);
    let mut after = book(changes, (*partner).clone(), (statement, currency), paid, entries, at)?;
    if after.suspended == Some(Suspended::Overdue) && known.overdue == 0 {
        after = after.with_suspended(None, at);
    }
    changes.partners.push(Change::Update(after));
    let state = StatementState::Settled;
    let settled = Statement { state, due_at: None, ..(*statement).clone() };
    let event = Event::of_vendor(event, EventType::SettlementSettled, settled.id.into(), at);
    crate::event::tell(changes, event);
    changes.statements.push(Change::Update(settled));
    Ok(())
}

struct WriteOff {
    known: Known,
    entries: Entries,
    note: Note,
}

impl Command for WriteOff {
    type Receipt = Settlement;
    type Refusal = SettlementRefusal;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Settlement, SettlementRefusal>, Fault> {
        let Rows { partner, agreement, statement, settlement } = match self.known.rows(books)? {
            Ok(rows) => rows,
            Err(refusal) => return Ok(Decision::refused(refusal)),
        };
        let Some(known) = settlement else {
            return Ok(Decision::refused(SettlementRefusal::NoSuchSettlement));
        };
        if statement.net > 0 {
            return Ok(Decision::refused(SettlementRefusal::OtherSide));
        }
        let mut changes = Changes::default();
        match known.state {
            SettlementState::WrittenOff => Ok(Decision::done(known.clone(), changes)),
            SettlementState::Settled => {
                Ok(Decision::refused(SettlementRefusal::State(statement.state)))
            }
            SettlementState::Instructed | SettlementState::Sent => {
                let of = (statement, agreement.terms.currency);
                let ended = Some(Ended::WrittenOff);
                let after = book(&mut changes, partner.clone(), of, ended, self.entries, at)?;
                changes.partners.push(Change::Update(after));
                let (state, ended_at) = (SettlementState::WrittenOff, Some(at));
                let row = Settlement { state, ended_at, due_at: None, ..known.clone() };
                changes.settlements.push(Change::Update(row.clone()));
                let state = StatementState::WrittenOff;
                let given_up = Statement { state, due_at: None, ..statement.clone() };
                changes.statements.push(Change::Update(given_up));
                let what = difference(&Value::Null, &json!({ "money": row.money }));
                self.note.write(&mut changes, Act::SettlementWrittenOff, row.id, what, at);
                Ok(Decision::done(row, changes))
            }
        }
    }
}

struct PutBank {
    details: BankDetails,
    note: Note,
}

/// What the audit log tells of an account: where money goes to is what one wants to find there.
fn shown(details: &BankDetails) -> Value {
    let bic = details.bic.as_ref().map(scrip_domain::bank::Bic::as_str);
    json!({ "holder": details.holder, "iban": details.iban.as_str(), "bic": bic })
}

impl Command for PutBank {
    type Receipt = BankDetails;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.bank_details.guard((self.details.owner,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<BankDetails, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let known = books.bank_details.get(&(self.details.owner,))?;
        if known != Some(&self.details) {
            let before = known.map_or(Value::Null, shown);
            let what = difference(&before, &shown(&self.details));
            let subject = match Id::<Partner>::new(self.details.owner) {
                Some(partner) if self.details.owner != OWN => partner.to_string(),
                _ => "own".to_owned(),
            };
            self.note.write(&mut changes, Act::BankDetailsChanged, subject, what, at);
            changes.bank_details.push(match known {
                Some(_) => Change::Update(self.details.clone()),
                None => Change::Insert(self.details.clone()),
            });
        }
        Ok(Decision::done(self.details.clone(), changes))
    }
}
