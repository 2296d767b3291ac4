//! The decision: what is held is retired, and the compensation is owed, in one transaction.
//!
//! ```text
//! prepared ──in time, and nothing stands before it──▶ committed
//!     └──time is over, the account is frozen, the two do not exchange any more──▶ expired (void.rs)
//! ```
//! Before it nothing has happened but a hold; after it only the partner's signed word undoes it. The commit is signed inside the
//! command: its cycle and its time are known only here.

use scrip_domain::agreement::Agreement;
use scrip_domain::document::exchange::Commit;
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, ExchangeState, Going};
use scrip_domain::hold::HoldState;
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::partner::{EntryKind, PartnerEntry};
use scrip_domain::{Id, Timestamp};
use scrip_license::jws;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::drive::leased;
use super::void::Why;
use super::{Known, Scene, lost, uneven};
use crate::purchase_request::Signer;
use crate::{Engine, ledger};

impl Engine {
    /// Commits what is prepared, or gives it up when it may not be. Whether the exchange has moved.
    pub(super) async fn commit_exchange(&self, exchange: &Exchange) -> Result<bool, Fault> {
        let command = Decide {
            known: self.know_exchange(exchange).await?,
            agreement: exchange.agreement,
            signer: self.signer(),
            transfer: self.mint()?,
            entry: self.mint()?,
            event: self.mint()?,
        };
        match self.submit(command).await? {
            Ok(moved) => Ok(moved),
            Err(why) => self.void_exchange(exchange, why).await,
        }
    }
}

struct Decide {
    known: Known,
    agreement: Id<Agreement>,
    signer: Signer,
    transfer: Id<Transfer>,
    entry: Id<PartnerEntry>,
    event: Id<Event>,
}

impl Command for Decide {
    type Receipt = bool;
    type Refusal = Why;

    fn wants(&self, wants: &mut Wants) {
        self.known.want(wants);
        wants.accounts.read((self.known.buyer.account,));
        wants.agreements.read((self.agreement,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<bool, Why>, Fault> {
        let mut scene = Scene::set(books, &self.known, at)?;
        let mut changes = Changes::default();
        if scene.exchange.state != ExchangeState::Prepared {
            return Ok(Decision::done(false, changes));
        }
        let account = books.accounts.get(&(self.known.buyer.account,))?;
        if scene.exchange.commit_until() <= at {
            return Ok(Decision::refused(Why::Late));
        }
        if !scene.partner.is_open() {
            return Ok(Decision::refused(Why::Stopped("partner_suspended")));
        }
        if account.is_none_or(|account| account.frozen_at.is_some()) {
            return Ok(Decision::refused(Why::Stopped("account_frozen")));
        }

        // From here on it succeeds.
        let agreement = books.agreements.get(&(self.agreement,))?;
        let agreement = agreement.ok_or_else(|| lost("agreement"))?;
        self.retire(&mut changes, &mut scene)?;
        scene.end_hold(books, &mut changes, HoldState::Posted)?;
        let booked = scene.partner.booked(Going::Out, &scene.exchange.figures);
        scene.partner = booked.ok_or_else(uneven)?;
        scene.exchange.cycle = Some(scene.partner.cycle);
        scene.entry(&mut changes, self.entry, EntryKind::Exchange)?;
        scene.exchange.commit = Some(self.sign(agreement, &scene)?);
        scene.exchange.transfer = Some(self.transfer);
        scene.exchange.committed_at = Some(at);
        scene.exchange.state = ExchangeState::Committed;
        scene.exchange.attempts = 0;
        scene.exchange.due_at = Some(leased(&scene.exchange, at));
        let (account, subject) = (scene.exchange.account, scene.exchange.id.into());
        let event = Event::new(self.event, EventType::ExchangeCommitted, account, subject, at);
        crate::event::tell(&mut changes, event);
        scene.close(&mut changes);
        Ok(Decision::done(true, changes))
    }
}

impl Decide {
    /// Takes the very tokens that are held out of the wallet.
    fn retire(&self, changes: &mut Changes, scene: &mut Scene) -> Result<(), Fault> {
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::Held(scene.wallet.id),
            credit: LedgerAccount::House(House::ExchangedOut),
            amount: scene.exchange.figures.give,
            reason: Reason::Exchange,
            subject: scene.exchange.id.into(),
            at: scene.at,
        };
        scene.wallet = ledger::capture(changes, &scene.wallet, &self.known.parts(), transfer)?;
        Ok(())
    }

    fn sign(&self, agreement: &Agreement, scene: &Scene) -> Result<String, Fault> {
        let exchange = &scene.exchange;
        let prepared = exchange.prepared.as_deref().ok_or_else(|| lost("preparation"))?;
        self.signer.sign(&Commit {
            issuer: self.signer.issuer().to_owned(),
            audience: scene.partner.url.clone(),
            issued_at: scene.at.unix_seconds(),
            exchange: exchange.id.to_string(),
            prepared: jws::digest(prepared),
            figures: exchange.figures,
            currency: agreement.terms.currency,
            cycle: exchange.cycle.ok_or_else(|| lost("cycle"))?,
        })
    }
}
