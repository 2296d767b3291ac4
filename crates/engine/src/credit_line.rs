//! Credit lines in the vendor's hand: granting a limit, and booking what is repaid. Drawing is a top-up
//! ([`crate::top_up`]). All three are decided under the guard of the account's wallet, so that draws which
//! cross never owe more than the limit, and repayments never pay more than is owed.

use scrip_domain::audit::Act;
use scrip_domain::credit_line::{CreditLine, Repayment};
use scrip_domain::request::Request;
use scrip_domain::{Id, Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::ledger::Buyer;
use crate::purchase::Answered;
use crate::{Engine, Outcome};

/// Something is owed in another currency than that of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwedElsewhere(pub Money);

/// Money that came back.
#[derive(Clone, Debug)]
pub struct Repaid {
    /// How much.
    pub money: Money,
    /// What staff note of it.
    pub note: String,
}

/// Why no repayment was booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepayRefusal {
    /// The account owes nothing.
    NothingOwed,
    /// This much is owed, and not what was given.
    Owed(Money),
    /// The idempotency key was used for something else.
    KeyReused,
}

impl Engine {
    /// Grants an account a limit, or sets another one. Doing it again changes nothing.
    pub async fn set_credit_limit(
        &self,
        by: Staff,
        buyer: Buyer,
        limit: Money,
    ) -> Outcome<CreditLine, OwedElsewhere> {
        self.submit(SetLimit { buyer, limit, note: self.note(by)? }).await
    }

    /// Books what an account repays of what it owes.
    pub async fn repay(
        &self,
        by: Staff,
        buyer: Buyer,
        repaid: Repaid,
        request: Request,
    ) -> Outcome<Answered<Repayment>, RepayRefusal> {
        let (note, id) = (self.note(by)?, self.mint()?);
        let before = match self.submit(Repay { buyer, repaid, request, note, id }).await? {
            Ok(Ok(repayment)) => return Ok(Ok(Answered::First(repayment))),
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // A key of the account's may name something else.
        let repayment = self.store.repayment(before).await?;
        Ok(repayment.map(Answered::Replayed).ok_or(RepayRefusal::KeyReused))
    }
}

struct SetLimit {
    buyer: Buyer,
    limit: Money,
    note: Note,
}

impl Command for SetLimit {
    type Receipt = CreditLine;
    type Refusal = OwedElsewhere;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.credit_lines.read((self.buyer.account,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<CreditLine, OwedElsewhere>, Fault> {
        let mut changes = Changes::default();
        let old = books.credit_lines.get(&(self.buyer.account,))?;
        let line = match old {
            Some(old) => match old.limited(self.limit) {
                Some(line) => line,
                None => return Ok(Decision::refused(OwedElsewhere(old.owed()))),
            },
            None => CreditLine::granted(self.buyer.account, self.limit),
        };
        match old {
            Some(old) if *old == line => return Ok(Decision::done(line, changes)),
            Some(_) => changes.credit_lines.push(Change::Update(line.clone())),
            None => changes.credit_lines.push(Change::Insert(line.clone())),
        }
        let was = old.map_or(Value::Null, |old| json!({ "limit": old.limit }));
        let what = difference(&was, &json!({ "limit": line.limit }));
        self.note.write(&mut changes, Act::CreditLimitSet, self.buyer.account, what, at);
        Ok(Decision::done(line, changes))
    }
}

struct Repay {
    buyer: Buyer,
    repaid: Repaid,
    request: Request,
    note: Note,
    id: Id<Repayment>,
}

impl Command for Repay {
    /// The repayment, or the name of the one that the same request booked before.
    type Receipt = Result<Repayment, Id<Repayment>>;
    type Refusal = RepayRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.credit_lines.read((self.buyer.account,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, RepayRefusal>, Fault> {
        let account = self.buyer.account;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(RepayRefusal::KeyReused),
            });
        }
        let line = books.credit_lines.get(&(account,))?;
        let money = self.repaid.money;
        let repaid = line.and_then(|line| line.repaid(money)).filter(|_| !money.amount.is_zero());
        let Some(line_after) = repaid else {
            let owed = line.map(CreditLine::owed).filter(|owed| !owed.amount.is_zero());
            let refusal = owed.map_or(RepayRefusal::NothingOwed, RepayRefusal::Owed);
            return Ok(Decision::refused(refusal));
        };
        let repayment = Repayment {
            id: self.id,
            account,
            money,
            owed: line_after.owed().amount,
            note: self.repaid.note.clone(),
            request: self.request,
            at,
        };
        let mut changes = Changes::default();
        changes.credit_lines.push(Change::Update(line_after));
        changes.repayments.push(Change::Insert(repayment.clone()));
        let entry = Entry::request(account, self.request, self.id.into());
        changes.by_account.push(Change::Insert(entry));
        let what = json!({ "repayment": self.id, "money": money, "owed": repayment.owed, "note": repayment.note });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::RepaymentBooked, account, what, at);
        Ok(Decision::done(Ok(repayment), changes))
    }
}
