//! Exchanges between vendors: a buyer gives tokens here and receives tokens there, or the other way round.
//!
//! At the issuing vendor, whose tokens are given:
//! ```text
//! quote.rs ─▶ reserve.rs ─▶ drive.rs: [prepared there] ─▶ commit.rs ─▶ [fulfilled there] ─▶ seen.rs
//!                              └── void.rs: refused there, or no time ──┘      write_off.rs: 30 days of silence
//! ```
//! At the honouring vendor, which issues its own for them:
//! ```text
//! offer.rs ─▶ prepare.rs ─▶ fulfil.rs            give_up.rs: cancelled, or nobody came in time
//! ```
//! After a restore what the partner has is booked again: `rebook.rs` here, `reissue.rs` there.
//!
//! The states are those of [`scrip_domain::exchange`]. Each step is one command under the guards of the partner, of the exchange
//! and, where tokens move, of the buyer's wallet. What is asked of the partner lies between two commands and can be asked
//! again; what is believed of its answers are documents that it has signed ([`documents`]).

mod commit;
mod documents;
mod drive;
mod fulfil;
mod give_up;
mod offer;
mod prepare;
mod quote;
pub(crate) mod rebook;
pub(crate) mod reissue;
mod reserve;
mod seen;
mod void;
mod write_off;

use scrip_domain::agreement::{Agreement, NoFigures, Terms};
use scrip_domain::exchange::{Exchange, ExchangeDay, ExchangeState, Going, Limit};
use scrip_domain::gate::GateRefusal;
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, Part};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_license::jws;
use scrip_storage::books::Change;
use scrip_storage::reads::Page;
use scrip_storage::{Books, Changes, Fault, Wants};

use crate::ledger::{self, Buyer};
use crate::purchase_request::{Held, Moves};
use crate::throttle::RetryAfter;
use crate::{Engine, Outcome};

pub use quote::Quoted;

/// How often a command is asked again that looked up what has changed since.
const TRIES: usize = 3;

/// Why something was not done about an exchange. Nothing moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeRefusal {
    /// There is none, or it is somebody else's.
    NotFound,
    /// The buyer has shown no account at the partner.
    NotLinked,
    /// The two do not exchange at the moment, or not any more.
    Suspended,
    /// The amount cannot be exchanged.
    Amount(NoFigures),
    /// The offer is over, was used, or was made under other terms.
    QuoteOver,
    /// A limit stands before it.
    Limit(Limit),
    /// The buyer has asked for too many quotes.
    RateLimited(RetryAfter),
    /// The account stands before it, or the balance.
    Gate(GateRefusal),
    /// There is enough in the wallet, and less than that may move.
    NotExchangeable {
        /// How much was to be given.
        required: Amount,
        /// How much could be.
        exchangeable: Amount,
    },
    /// The partner refuses, or this vendor refuses a partner; a stable word.
    Refused(String),
    /// The partner gave no answer that is to be believed: nobody knows, and nothing was begun.
    NoAnswer,
    /// The partner has not been silent for long enough.
    NotSilent,
    /// The idempotency key was used for something else.
    KeyReused,
    /// What was looked up before the command is not so any more: look again. Never told to callers.
    Stale,
}

impl ExchangeRefusal {
    fn word(word: &str) -> Self {
        Self::Refused(word.to_owned())
    }
}

/// The agreement with a partner that is in force.
fn in_force<'a>(
    books: &'a Books,
    partner: &Partner,
    agreement: Id<Agreement>,
) -> Result<Option<&'a Agreement>, Fault> {
    let row = books.agreements.get(&(agreement,))?;
    Ok(row.filter(|row| partner.is_open() && partner.agreement == Some(row.id)))
}

/// The digest by which both call an agreement.
fn name_of(agreement: &Agreement) -> String {
    jws::digest(&agreement.proposal)
}

/// The way on which tokens of `issuer` are given.
fn way_of<'a>(
    terms: &'a Terms,
    issuer: &str,
) -> Result<&'a scrip_domain::agreement::Way, ExchangeRefusal> {
    let way = terms.way(issuer).map(|(way, ..)| way);
    way.ok_or(ExchangeRefusal::Amount(NoFigures::NotThisWay))
}

/// Counts so much for the buyer's day, up to `most`; `none` is a day without anything.
fn count_day(
    books: &Books,
    changes: &mut Changes,
    none: &ExchangeDay,
    (going, amount, most): (Going, Amount, Amount),
    at: Timestamp,
) -> Result<Result<(), ExchangeRefusal>, Fault> {
    let before = books.exchange_days.get(&(none.partner, none.account))?;
    let Some(after) = before.unwrap_or(none).counting(going, amount, most, at) else {
        return Ok(Err(ExchangeRefusal::Limit(Limit::BuyerDay)));
    };
    changes.exchange_days.push(match before {
        Some(_) => Change::Update(after),
        None => Change::Insert(after),
    });
    Ok(Ok(()))
}

/// Takes so much that began at `began` off the buyer's day again.
fn uncount_day(
    books: &Books,
    changes: &mut Changes,
    key: (Id<Partner>, Id<scrip_domain::account::Account>),
    (going, amount, began): (Going, Amount, Timestamp),
) -> Result<(), Fault> {
    if let Some(before) = books.exchange_days.get(&key)? {
        let after = before.not_counting(going, amount, began);
        if after != *before {
            changes.exchange_days.push(Change::Update(after));
        }
    }
    Ok(())
}

fn lost(what: &str) -> Fault {
    Fault::Bug(format!("an exchange has no {what}"))
}

/// The figures of a partner do not add up: what was reserved or owed is not there.
fn uneven() -> Fault {
    Fault::Bug("less is reserved or owed with a partner than its exchanges say".into())
}

/// Of which exchange of our tokens a command is, looked up before: this never changes.
#[derive(Clone, Debug)]
struct Known {
    exchange: Id<Exchange>,
    partner: Id<Partner>,
    buyer: Buyer,
    held: Held,
}

impl Known {
    fn want(&self, wants: &mut Wants) {
        wants.wallets.guard((self.buyer.wallet,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.partners.guard((self.partner,));
        wants.exchanges.guard((self.exchange,));
        wants.exchange_days.read((self.partner, self.buyer.account));
        self.held.want(wants);
    }

    fn parts(&self) -> Vec<Part> {
        self.held.lots.iter().map(HoldLot::part).collect()
    }
}

/// The rows of an exchange of our tokens, as a command changes them; written once, at the end.
struct Scene {
    partner: Partner,
    exchange: Exchange,
    wallet: Wallet,
    at: Timestamp,
}

impl Scene {
    fn set(books: &Books, known: &Known, at: Timestamp) -> Result<Self, Fault> {
        let partner = books.partners.get(&(known.partner,))?.ok_or_else(|| lost("partner"))?;
        let exchange = books.exchanges.get(&(known.exchange,))?.ok_or_else(|| lost("row"))?;
        let wallet = books.wallets.get(&(known.buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let (partner, exchange, wallet) = (partner.clone(), exchange.clone(), wallet.clone());
        Ok(Self { partner, exchange, wallet, at })
    }

    /// Ends the hold.
    fn end_hold(
        &self,
        books: &Books,
        changes: &mut Changes,
        state: HoldState,
    ) -> Result<(), Fault> {
        let hold: Option<&Hold> = books.holds.get(&(self.exchange.hold,))?;
        let hold = hold.ok_or_else(|| lost("hold"))?;
        changes.holds.push(Change::Update(hold.ended(state, self.at)));
        Ok(())
    }

    /// A change of what we owe.
    fn entry(
        &self,
        changes: &mut Changes,
        id: Id<PartnerEntry>,
        kind: EntryKind,
    ) -> Result<(), Fault> {
        changes.partner_entries.push(Change::Insert(PartnerEntry {
            partner: self.partner.id,
            id,
            side: Side::Payable,
            kind,
            amount: self.exchange.figures.compensation,
            subject: self.exchange.id.number(),
            cycle: self.exchange.cycle.ok_or_else(|| lost("cycle"))?,
            at: self.at,
        }));
        Ok(())
    }

    /// Whether the wallet can hold what was given once more.
    fn fits(&self) -> bool {
        let now = self.wallet.clone().as_of(self.at);
        now.posted().checked_add(self.exchange.figures.give).is_some()
    }

    /// Brings back what was given, to the very lots that gave it. What expires as it comes is booked, and what is owed is paid.
    fn give_back(
        &mut self,
        books: &Books,
        changes: &mut Changes,
        held: &Held,
        moves: Moves,
    ) -> Result<(), Fault> {
        let amount = self.exchange.figures.give;
        let parts = scrip_domain::hold::give_back(amount, &held.lots, &[]);
        let parts = parts.ok_or_else(|| Fault::Bug("a hold has lost its lots".into()))?;
        let mut lots: Vec<(&Lot, Amount)> = Vec::with_capacity(parts.len());
        for part in &parts {
            lots.push((books.lots.get(&(part.lot,))?.ok_or_else(|| lost("lot"))?, part.amount));
        }
        let wallet = ledger::expire(changes, &self.wallet, moves.due, self.at)?;
        let transfer = Transfer {
            id: moves.back,
            debit: LedgerAccount::House(House::ExchangedOut),
            credit: LedgerAccount::Free(wallet.id),
            amount,
            reason: Reason::Reversal,
            subject: self.exchange.id.into(),
            at: self.at,
        };
        let wallet = ledger::give_back(changes, &wallet, &lots, transfer)?;
        let wallet = ledger::expire(changes, &wallet, moves.gone, self.at)?;
        self.wallet = ledger::settle(changes, books, &wallet, moves.debt, self.at)?;
        Ok(())
    }

    /// Takes what was given off the days again: nothing was.
    fn uncount(&self, books: &Books, changes: &mut Changes) -> Result<(), Fault> {
        let key = (self.partner.id, self.exchange.account);
        let counted = (Going::Out, self.exchange.figures.give, self.exchange.at);
        uncount_day(books, changes, key, counted)
    }

    /// Writes partner and exchange; gives the exchange as it is now.
    fn close(self, changes: &mut Changes) -> Exchange {
        changes.partners.push(Change::Update(self.partner));
        changes.exchanges.push(Change::Update(self.exchange.clone()));
        self.exchange
    }
}

impl Engine {
    /// What a command about an exchange of our tokens has to know.
    async fn know_exchange(&self, exchange: &Exchange) -> Result<Known, Fault> {
        let buyer = self.buyer_of(exchange.account).await?;
        let lots = self.store.hold_lots(exchange.hold).await?;
        let held = Held { hold: exchange.hold, lots };
        Ok(Known { exchange: exchange.id, partner: exchange.partner, buyer, held })
    }

    /// An account's own exchange.
    pub async fn exchange_of(
        &self,
        buyer: Buyer,
        id: Id<Exchange>,
    ) -> Outcome<Exchange, ExchangeRefusal> {
        let exchange = self.store.exchange(id).await?;
        let own = exchange.filter(|exchange| exchange.account == buyer.account);
        Ok(own.ok_or(ExchangeRefusal::NotFound))
    }

    /// A page of all exchanges: in this state, with this partner, where they are given.
    pub async fn exchanges(
        &self,
        state: Option<ExchangeState>,
        partner: Option<Id<Partner>>,
        page: Page,
    ) -> Result<Vec<Exchange>, Fault> {
        self.store.exchanges(state, partner, page).await
    }
}
