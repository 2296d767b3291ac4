//! Grants: promotional tokens that the vendor gives without payment, and that may expire.
//!
//! A grant is one transfer, which is named after the lot that its tokens lie in: one of its own, or,
//! in a wallet that has enough lots, one that is there.

use scrip_domain::audit::Act;
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::request::Request;
use scrip_domain::wallet::{Place, Wallet};
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::ledger::{self, Buyer};
use crate::purchase::Answered;
use crate::{Engine, Outcome};

/// What the vendor's staff gives.
#[derive(Clone, Debug)]
pub struct GrantAsk {
    /// Tokens, in smallest units, above zero.
    pub tokens: Amount,
    /// When they expire; later than now.
    pub expires_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// Tokens that were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The movement.
    pub transfer: Transfer,
    /// The lot that they lie in.
    pub lot: Id<Lot>,
    /// When that expires.
    pub expires_at: Option<Timestamp>,
}

/// Why nothing was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantRefusal {
    /// They would have expired already.
    Past,
    /// The wallet has so many lots that it takes no more which last longer than all of them.
    LastsTooLong,
    /// The wallet would hold more than an amount can be.
    TooMuch,
    /// The account is frozen.
    AccountFrozen,
    /// The idempotency key was used for something else.
    KeyReused,
}

impl Engine {
    /// Gives promotional tokens.
    pub async fn grant(
        &self,
        by: Staff,
        buyer: Buyer,
        ask: GrantAsk,
        request: Request,
    ) -> Outcome<Answered<Granted>, GrantRefusal> {
        let command = Grant {
            buyer,
            ask,
            request,
            note: self.note(by)?,
            lot: self.mint()?,
            expiry: self.mint()?,
            transfer: self.mint()?,
        };
        let id = match self.submit(command).await? {
            Ok(Ok(granted)) => return Ok(Ok(Answered::First(granted))),
            Ok(Err(before)) => before,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let lost = || Fault::Bug("an idempotency key names no grant".into());
        let transfer = self.store.transfer(id).await?.ok_or_else(lost)?;
        let lot = Id::new(transfer.subject.0).ok_or_else(lost)?;
        let expires_at = self.store.lot(lot).await?.ok_or_else(lost)?.expires_at;
        Ok(Ok(Answered::Replayed(Granted { transfer, lot, expires_at })))
    }
}

struct Grant {
    buyer: Buyer,
    ask: GrantAsk,
    request: Request,
    note: Note,
    lot: Id<Lot>,
    transfer: Id<Transfer>,
    /// What has expired meanwhile is booked by it.
    expiry: Id<Transfer>,
}

impl Command for Grant {
    /// The grant, or the name of the one that the same request made before.
    type Receipt = Result<Granted, Id<Transfer>>;
    type Refusal = GrantRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.accounts.read((self.buyer.account,));
        wants.by_account.read((self.buyer.account, index::REQUEST, self.request.key));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Self::Receipt, GrantRefusal>, Fault> {
        let missing = |what: &str| Fault::Bug(format!("a buyer has no {what}"));
        let Buyer { account, wallet } = self.buyer;
        if let Some(entry) = books.by_account.get(&(account, index::REQUEST, self.request.key))? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Err(id), Changes::default())
                }
                _ => Decision::refused(GrantRefusal::KeyReused),
            });
        }
        let row = books.accounts.get(&(account,))?.ok_or_else(|| missing("account"))?;
        let wallet = books.wallets.get(&(wallet,))?.ok_or_else(|| missing("wallet"))?;
        let GrantAsk { tokens, expires_at, .. } = self.ask;
        let refuse = |refusal| Ok(Decision::refused(refusal));
        if row.frozen_at.is_some() {
            return refuse(GrantRefusal::AccountFrozen);
        }
        if expires_at.is_some_and(|end| end <= at) {
            return refuse(GrantRefusal::Past);
        }
        let now = wallet.clone().as_of(at);
        if now.posted().checked_add(tokens).is_none() {
            return refuse(GrantRefusal::TooMuch);
        }
        let lot = self.lot(at);
        let (home, expires_at) = match now.place_for(&lot) {
            Place::Own => (lot.id, expires_at),
            Place::With(open) => (open.lot, open.expires_at),
            Place::Full => return refuse(GrantRefusal::LastsTooLong),
        };

        // From here on it is given.
        let mut changes = Changes::default();
        let transfer = self.give(&mut changes, wallet, lot, home, at)?;
        let granted = Granted { transfer, lot: home, expires_at };
        Ok(Decision::done(Ok(granted), changes))
    }
}

impl Grant {
    /// The lot, if it is one of its own.
    fn lot(&self, at: Timestamp) -> Lot {
        Lot {
            id: self.lot,
            wallet: self.buyer.wallet,
            kind: LotKind::Promo,
            amount: self.ask.tokens,
            priority: LotKind::Promo.priority(),
            expires_at: self.ask.expires_at,
            // A gift never can be.
            exchangeable_at: None,
            created_at: at,
        }
    }

    /// Moves the tokens to where they are at `home`, and puts on record who gave them.
    fn give(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        lot: Lot,
        home: Id<Lot>,
        at: Timestamp,
    ) -> Result<Transfer, Fault> {
        let (account, amount) = (self.buyer.account, self.ask.tokens);
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::House(House::Granted),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: Reason::Grant,
            subject: home.into(),
            at,
        };
        let wallet = ledger::expire(changes, wallet, self.expiry, at)?;
        ledger::put(changes, &wallet, lot, transfer.clone())?;
        let entry = Entry::request(account, self.request, transfer.id.into());
        changes.by_account.push(Change::Insert(entry));
        let GrantAsk { expires_at, reason, .. } = &self.ask;
        let what = json!({ "kind": LotKind::Promo, "lot": home, "tokens": amount, "expires_at": expires_at, "reason": reason });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::AccountAdjusted, account, what, at);
        Ok(transfer)
    }
}
