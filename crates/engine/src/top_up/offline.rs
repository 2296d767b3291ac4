//! What is paid offline: staff book what came, wholly or in part; what never comes is cancelled.

use scrip_domain::audit::Act;
use scrip_domain::request::Request;
use scrip_domain::top_up::{Remittance, TopUp, TopUpMethod, TopUpState};
use scrip_domain::{Amount, Id, Money, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::{Coming, Minted};
use crate::audit::{Note, Staff, difference};
use crate::ledger::Buyer;
use crate::{Engine, Outcome};

/// Money that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// How much.
    pub money: Money,
    /// What staff note of it.
    pub note: String,
}

/// A top-up with the money that came for it until then.
#[derive(Clone, Debug)]
pub struct Booked {
    /// The top-up.
    pub top_up: TopUp,
    /// What came, oldest first.
    pub remittances: Vec<Remittance>,
    /// Whether it was booked before.
    pub replayed: bool,
}

/// Why nothing was booked or cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfflineRefusal {
    /// There is no such top-up.
    NotFound,
    /// Nothing is due for it: its state.
    NotDue(TopUpState),
    /// Some of the money came already: only staff can cancel it.
    SomeCame,
    /// This much is due, and not what was given.
    Due(Money),
    /// The wallet would hold more than an amount can be.
    WalletFull,
    /// The idempotency key was used for something else.
    KeyReused,
    /// The account is frozen.
    AccountFrozen,
}

impl Engine {
    /// Books money that came for a top-up, and credits the tokens that it brings.
    pub async fn receive(
        &self,
        by: Staff,
        id: Id<TopUp>,
        received: Received,
        request: Request,
    ) -> Outcome<Booked, OfflineRefusal> {
        let Some(top_up) = self.store.top_up(id).await? else {
            return Ok(Err(OfflineRefusal::NotFound));
        };
        let buyer = self.buyer_of(top_up.account).await?;
        let (note, minted, remittance) = (self.note(by)?, self.minted().await?, self.mint()?);
        self.submit(Receive { id, buyer, received, request, remittance, note, minted }).await
    }

    /// Cancels a top-up of the buyer's own for which nothing came. Doing it again changes nothing.
    pub async fn cancel_own_top_up(
        &self,
        buyer: Buyer,
        id: Id<TopUp>,
    ) -> Outcome<TopUp, OfflineRefusal> {
        self.submit(Cancel { id, buyer, staff: None }).await
    }

    /// Cancels a top-up for which no more will come, for a reason that goes on record. What came before
    /// stays in the wallet. Doing it again changes nothing.
    pub async fn cancel_top_up(
        &self,
        by: Staff,
        id: Id<TopUp>,
        reason: String,
    ) -> Outcome<TopUp, OfflineRefusal> {
        let Some(top_up) = self.store.top_up(id).await? else {
            return Ok(Err(OfflineRefusal::NotFound));
        };
        let buyer = self.buyer_of(top_up.account).await?;
        let staff = Some((self.note(by)?, reason));
        self.submit(Cancel { id, buyer, staff }).await
    }
}

struct Receive {
    id: Id<TopUp>,
    buyer: Buyer,
    received: Received,
    request: Request,
    remittance: Id<Remittance>,
    note: Note,
    minted: Minted,
}

impl Command for Receive {
    type Receipt = Booked;
    type Refusal = OfflineRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.credit_files.read((self.buyer.account,));
        wants.debt_payments.read((self.buyer.wallet,));
        self.minted.wants(wants);
        wants.top_ups.read((self.id,));
        wants.remittances.read((self.id,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Booked, OfflineRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a top-up has no {what}"));
        let refused = |refusal| Ok(Decision::refused(refusal));
        let of = self.buyer.account;
        let before = books.top_ups.get(&(self.id,))?.ok_or_else(|| missing("row"))?;
        let came = books.remittances.all(&(self.id,))?;
        if let Some(entry) = books.by_account.get(&(of, index::REQUEST, self.request.key))? {
            let same = entry.note == self.request.fingerprint;
            return Ok(match before.clone().as_of(self.request.key, came).filter(|_| same) {
                Some((top_up, came)) => {
                    let booked = Booked { top_up, remittances: came.to_vec(), replayed: true };
                    Decision::done(booked, Changes::default())
                }
                None => Decision::refused(OfflineRefusal::KeyReused),
            });
        }
        if before.state != TopUpState::RequiresAction || before.due.is_none() {
            return refused(OfflineRefusal::NotDue(before.state));
        }
        let account = books.accounts.get(&(of,))?.ok_or_else(|| missing("account"))?;
        if account.frozen_at.is_some() {
            return refused(OfflineRefusal::AccountFrozen);
        }
        let wallet = books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| missing("wallet"))?;
        let tokens = match self.brings(before)? {
            Ok(tokens) => tokens,
            Err(refusal) => return refused(refusal),
        };
        if wallet.posted().checked_add(tokens).is_none() {
            return refused(OfflineRefusal::WalletFull);
        }
        let remittance = self.remittance(tokens, at);
        let mut changes = Changes::default();
        let mut after = before.clone().with(&remittance);
        if !tokens.is_zero() {
            let coming = Coming::paid(tokens);
            self.minted.bring(&mut changes, (books, wallet), &mut after, coming, at)?;
        }
        if after.state == TopUpState::Credited {
            if let Some(file) = books.credit_files.get(&(of,))? {
                changes.credit_files.push(Change::Update(file.came_to(after.state)));
            }
            self.minted.tell(&mut changes, &after, at);
        }
        let Received { money, note } = &self.received;
        let what = json!({ "money": money, "tokens": tokens, "note": note });
        let what = difference(&Value::Null, &what);
        self.note.write(&mut changes, Act::TopUpReceived, self.id, what, at);
        changes.by_account.push(Change::Insert(Entry::request(of, self.request, self.id.into())));
        changes.remittances.push(Change::Insert(remittance.clone()));
        changes.top_ups.push(Change::Update(after.clone()));
        let remittances = [came, &[remittance]].concat();
        Ok(Decision::done(Booked { top_up: after, remittances, replayed: false }, changes))
    }
}

impl Receive {
    /// The tokens that the money brings, which must be a part of what is due.
    fn brings(&self, top_up: &TopUp) -> Result<Result<Amount, OfflineRefusal>, Fault> {
        let left = top_up.left().ok_or_else(|| Fault::Bug("nothing was asked for".into()))?;
        let money = self.received.money;
        let fits = money.unit == left.unit && !money.amount.is_zero();
        let tokens = top_up.part_for(money.amount).filter(|_| fits);
        Ok(tokens.ok_or(OfflineRefusal::Due(left)))
    }

    fn remittance(&self, tokens: Amount, at: Timestamp) -> Remittance {
        Remittance {
            top_up: self.id,
            id: self.remittance,
            money: self.received.money,
            tokens,
            transfer: (!tokens.is_zero()).then_some(self.minted.transfer),
            note: self.received.note.clone(),
            request: self.request,
            at,
        }
    }
}

struct Cancel {
    id: Id<TopUp>,
    buyer: Buyer,
    /// The note of the staff and the reason, when it is not the buyer who cancels.
    staff: Option<(Note, String)>,
}

impl Command for Cancel {
    type Receipt = TopUp;
    type Refusal = OfflineRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.top_ups.read((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<TopUp, OfflineRefusal>, Fault> {
        let own = |top_up: &&TopUp| top_up.account == self.buyer.account;
        let Some(before) = books.top_ups.get(&(self.id,))?.filter(own) else {
            return Ok(Decision::refused(OfflineRefusal::NotFound));
        };
        let mut changes = Changes::default();
        let offline = before.method == TopUpMethod::Offline;
        match before.state {
            TopUpState::Cancelled if offline => {
                return Ok(Decision::done(before.clone(), changes));
            }
            TopUpState::RequiresAction | TopUpState::InReview if offline => {}
            state => return Ok(Decision::refused(OfflineRefusal::NotDue(state))),
        }
        let came = before.due.as_ref().is_some_and(|due| !due.received.is_zero());
        let word = if self.staff.is_some() { "cancelled_by_staff" } else { "cancelled_by_buyer" };
        if came && self.staff.is_none() {
            return Ok(Decision::refused(OfflineRefusal::SomeCame));
        }
        let mut after = before.clone();
        after.state = TopUpState::Cancelled;
        after.reason = Some(word.to_owned());
        changes.top_ups.push(Change::Update(after.clone()));
        if let Some((note, reason)) = &self.staff {
            let what = difference(&Value::Null, &json!({ "reason": reason }));
            note.write(&mut changes, Act::TopUpCancelled, self.id, what, at);
        }
        Ok(Decision::done(after, changes))
    }
}
