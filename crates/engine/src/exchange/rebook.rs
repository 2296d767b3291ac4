//! An exchange of our tokens that a backup lacks, by the documents that the partner has of it: our own commit, after a restore.
//!
//! ```text
//! (nothing) ──commit──▶ committed ──the partner's signed word──▶ seen.rs: fulfilled, reversed
//! reserved, prepared ──commit──▶ (the same, with what is held)
//!                                    └──no word that is believed──▶ asked for by the worker, as ever
//! ```
//! It was decided when it was signed: what is owed is owed, whatever limits say by now, and the times are those of the documents.
//! The transfers are of now. What the wallet cannot give any more is not booked, and listed by the caller: a wallet never
//! goes below zero for what was forgotten, and gifts do not move in the place of what did.

use scrip_domain::agreement::{Agreement, Figures, Way};
use scrip_domain::audit::Act;
use scrip_domain::document::exchange::{Commit, Quote};
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, ExchangeDay, ExchangeQuote, ExchangeState, Going, HOLD};
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{self, Part};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::restore::Reunion;
use scrip_domain::statement::{Statement, StatementState};
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use super::lost;
use crate::audit::{Note, Staff, difference};
use crate::ledger::{self, Buyer};
use crate::purchase_request::Held;
use crate::restore::Said;
use crate::{Engine, Outcome};

/// Why an exchange is not booked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRebooked {
    /// The wallet holds less that may move.
    Short(Amount),
    /// The books say otherwise.
    Conflict(&'static str),
}

/// An exchange that we have committed, as far as it is our own word.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub exchange: Id<Exchange>,
    pub commit: Said<Commit>,
    pub prepared: String,
    pub quote: Said<Quote>,
}

impl Engine {
    /// Books a commit of ours with an account's tokens, under an agreement. Doing it again changes nothing.
    pub(crate) async fn rebook_exchange(
        &self,
        reunion: &Reunion,
        partner: Id<Partner>,
        agreement: Id<Agreement>,
        account: Id<scrip_domain::account::Account>,
        papers: Committed,
    ) -> Outcome<(), NotRebooked> {
        let known = self.store.exchange(papers.exchange).await?;
        let held = match &known {
            Some(known) => {
                let lots = self.store.hold_lots(known.hold).await?;
                Some(Held { hold: known.hold, lots })
            }
            None => None,
        };
        let command = Rebook {
            reunion: (reunion.epoch, reunion.peer.clone()),
            partner,
            agreement,
            issuer: self.public_url().to_owned(),
            buyer: self.buyer_of(account).await?,
            papers,
            held,
            quote: self.mint()?,
            hold: self.mint()?,
            transfers: [self.mint()?, self.mint()?, self.mint()?],
            entry: self.mint()?,
            event: self.mint()?,
            note: self.note(Staff::SERVER)?,
        };
        self.submit(command).await
    }
}

/// The partner with an exchange owed that had been reserved at `began`, within the limits of then. `None` when a counter is full.
pub(super) fn owing(
    partner: &Partner,
    going: Going,
    figures: &Figures,
    way: &Way,
    began: Timestamp,
) -> Option<Partner> {
    let limitless = Way { day: Amount::MAX, cap: Amount::MAX, ..way.clone() };
    partner.with_reserved(going, figures, &limitless, began).ok()?.booked(going, figures)
}

/// Counts so much for the buyer's day on which it was given, unless a later one has begun.
pub(super) fn count_then(
    books: &Books,
    changes: &mut Changes,
    key: (Id<Partner>, Id<scrip_domain::account::Account>),
    (going, amount): (Going, Amount),
    began: Timestamp,
) -> Result<(), Fault> {
    let before = books.exchange_days.get(&key)?;
    if before.is_some_and(|before| before.day > began.midnight()) {
        return Ok(());
    }
    let none = ExchangeDay::new(key.0, key.1, began);
    let after = before.unwrap_or(&none).counting(going, amount, Amount::MAX, began);
    let after = after.ok_or_else(|| Fault::Bug("a day counts more than there is".into()))?;
    changes.exchange_days.push(match before {
        Some(_) => Change::Update(after),
        None => Change::Insert(after),
    });
    Ok(())
}

/// Has the statement of a cycle reckoned anew with what is booked now. Whether that can be: not once both have agreed.
pub(super) fn reopen(
    books: &Books,
    changes: &mut Changes,
    cycle: (Id<Partner>, u32),
    at: Timestamp,
) -> Result<bool, Fault> {
    let Some(statement) = books.statements.get(&cycle)? else { return Ok(true) };
    if statement.state.is_agreed() {
        return Ok(false);
    }
    if statement.state != StatementState::Closing {
        let (state, due_at) = (StatementState::Closing, Some(at));
        let anew = Statement { state, ours: None, due_at, attempts: 0, ..statement.clone() };
        changes.statements.push(Change::Update(anew));
    }
    Ok(true)
}

/// Counts one more of a peer's that was booked; if it was listed before, it lacks nothing any more.
pub(super) fn count_booked(
    books: &Books,
    changes: &mut Changes,
    reunion: &(u32, String),
    exchange: Id<Exchange>,
) -> Result<(), Fault> {
    let row = books.reunions.get(reunion)?.ok_or_else(|| lost("reunion"))?;
    let booked = row.booked.saturating_add(1);
    let listed = books.discrepancies.get(&(reunion.1.clone(), exchange.to_string()))?;
    let mended = listed.filter(|listed| listed.epoch == reunion.0).cloned();
    let listed = row.listed.saturating_sub(u32::from(mended.is_some()));
    changes.discrepancies.extend(mended.map(Change::Delete));
    changes.reunions.push(Change::Update(Reunion { booked, listed, ..row.clone() }));
    Ok(())
}

struct Rebook {
    reunion: (u32, String),
    partner: Id<Partner>,
    agreement: Id<Agreement>,
    /// Our own address.
    issuer: String,
    buyer: Buyer,
    papers: Committed,
    /// What the row's hold has reserved, if there is a row.
    held: Option<Held>,
    quote: Id<ExchangeQuote>,
    hold: Id<Hold>,
    /// What had expired, the hold, the commit.
    transfers: [Id<Transfer>; 3],
    entry: Id<PartnerEntry>,
    event: Id<Event>,
    note: Note,
}

impl Command for Rebook {
    type Receipt = ();
    type Refusal = NotRebooked;

    fn wants(&self, wants: &mut Wants) {
        wants.reunions.guard(self.reunion.clone());
        wants.discrepancies.read((self.reunion.1.clone(), self.papers.exchange.to_string()));
        wants.wallets.guard((self.buyer.wallet,));
        wants.debt_payments.read((self.buyer.wallet,));
        wants.partners.guard((self.partner,));
        wants.exchanges.guard((self.papers.exchange,));
        wants.exchange_days.read((self.partner, self.buyer.account));
        wants.agreements.read((self.agreement,));
        wants.statements.read((self.partner, self.papers.commit.1.cycle));
        if let Some(held) = &self.held {
            held.want(wants);
        }
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), NotRebooked>, Fault> {
        let mut changes = Changes::default();
        let known = books.exchanges.get(&(self.papers.exchange,))?;
        if known.is_some_and(|known| known.commit.is_some()) {
            return Ok(Decision::done((), changes));
        }
        if !reopen(books, &mut changes, (self.partner, self.papers.commit.1.cycle), at)? {
            let why = "its cycle was agreed on without it";
            return Ok(Decision::refused(NotRebooked::Conflict(why)));
        }
        let booked = match known {
            Some(known) => self.go_on(books, &mut changes, known, at)?,
            None => self.begin(books, &mut changes, at)?,
        };
        let exchange = match booked {
            Ok(exchange) => exchange,
            Err(not) => return Ok(Decision::refused(not)),
        };
        self.write(books, &mut changes, exchange, known.is_none(), at)?;
        Ok(Decision::done((), changes))
    }
}

impl Rebook {
    fn figures(&self) -> &Figures {
        &self.papers.commit.1.figures
    }

    fn committed_at(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.papers.commit.1.issued_at)
    }

    /// What is known here as begun: what is held for it is taken.
    fn go_on(
        &self,
        books: &Books,
        changes: &mut Changes,
        known: &Exchange,
        at: Timestamp,
    ) -> Result<Result<Exchange, NotRebooked>, Fault> {
        let is_open = matches!(known.state, ExchangeState::Reserved | ExchangeState::Prepared);
        let (Some(held), true) = (&self.held, is_open) else {
            return Ok(Err(NotRebooked::Conflict("it ended otherwise here")));
        };
        let same = known.partner == self.partner
            && known.account == self.buyer.account
            && known.figures == *self.figures();
        if !same {
            return Ok(Err(NotRebooked::Conflict("it is known here as another one")));
        }
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        let Some(partner) = partner.booked(Going::Out, self.figures()) else {
            return Ok(Err(NotRebooked::Conflict("less is reserved for it here")));
        };
        changes.partners.push(Change::Update(partner));
        let hold = books.holds.get(&(held.hold,))?.ok_or_else(|| lost("hold"))?;
        changes.holds.push(Change::Update(hold.ended(HoldState::Posted, at)));
        let parts: Vec<Part> = held.lots.iter().map(HoldLot::part).collect();
        self.retire(changes, self.wallet(books)?, &parts, at)?;
        Ok(Ok(self.committed(known.clone(), at)))
    }

    /// What is not known here at all: as it was begun, and decided.
    fn begin(
        &self,
        books: &Books,
        changes: &mut Changes,
        at: Timestamp,
    ) -> Result<Result<Exchange, NotRebooked>, Fault> {
        let agreement = books.agreements.get(&(self.agreement,))?;
        let agreement = agreement.ok_or_else(|| lost("agreement"))?;
        let Some((way, ..)) = agreement.terms.way(&self.issuer) else {
            return Ok(Err(NotRebooked::Conflict("the agreement is not of these tokens")));
        };
        let (figures, began) = (self.figures(), self.committed_at());
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        let Some(partner) = owing(partner, Going::Out, figures, way, began) else {
            return Ok(Err(NotRebooked::Conflict("more would be owed than can be reckoned with")));
        };
        let [due, hold, _] = self.transfers;
        let wallet = ledger::expire(changes, self.wallet(books)?, due, at)?;
        let lots = lot::exchangeable(&wallet.lots, &way.lots, at);
        let Some(parts) = lot::consume(&lots, figures.give, at) else {
            let most = Amount::try_sum(lots.iter().map(|lot| lot.spendable(at)));
            return Ok(Err(NotRebooked::Short(most.unwrap_or(Amount::MAX))));
        };
        changes.partners.push(Change::Update(partner));
        let key = (self.partner, self.buyer.account);
        count_then(books, changes, key, (Going::Out, figures.give), began)?;
        let wallet = self.hold(changes, &wallet, &parts, hold, at)?;
        self.retire(changes, &wallet, &parts, at)?;
        let (exchange, quote) = self.rows(began);
        changes.exchange_quotes.push(Change::Insert(quote));
        let entry = Entry::exchange(self.buyer.account, exchange.id);
        changes.by_account.push(Change::Insert(entry));
        Ok(Ok(self.committed(exchange, at)))
    }

    fn wallet<'a>(&self, books: &'a Books) -> Result<&'a Wallet, Fault> {
        books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| lost("wallet"))
    }

    /// The rows of an exchange and its quote as they were begun.
    fn rows(&self, began: Timestamp) -> (Exchange, ExchangeQuote) {
        let quote = ExchangeQuote {
            id: self.quote,
            account: self.buyer.account,
            partner: self.partner,
            agreement: self.agreement,
            figures: *self.figures(),
            document: self.papers.quote.0.clone(),
            exchange: Some(self.papers.exchange),
            at: began,
        };
        (Exchange::begin(self.papers.exchange, &quote, self.hold, began), quote)
    }

    /// Reserves the tokens, lot by lot, by a hold that is over at once.
    fn hold(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        parts: &[Part],
        id: Id<Transfer>,
        at: Timestamp,
    ) -> Result<Wallet, Fault> {
        let (amount, reason) = (self.figures().give, Reason::ExchangeHold);
        let subject = self.papers.exchange.into();
        let transfer = Transfer {
            id,
            debit: LedgerAccount::Free(wallet.id),
            credit: LedgerAccount::Held(wallet.id),
            amount,
            reason,
            subject,
            at,
        };
        let wallet = ledger::hold(changes, wallet, parts, transfer)?;
        changes.hold_lots.extend(HoldLot::all(self.hold, parts).into_iter().map(Change::Insert));
        changes.holds.push(Change::Insert(Hold {
            id: self.hold,
            wallet: wallet.id,
            amount,
            reason,
            subject,
            state: HoldState::Posted,
            created_at: at,
            expires_at: at.plus(HOLD),
            resolved_at: Some(at),
        }));
        Ok(wallet)
    }

    /// Takes what is held out of the wallet.
    fn retire(
        &self,
        changes: &mut Changes,
        wallet: &Wallet,
        parts: &[Part],
        at: Timestamp,
    ) -> Result<(), Fault> {
        let [.., id] = self.transfers;
        let transfer = Transfer {
            id,
            debit: LedgerAccount::Held(wallet.id),
            credit: LedgerAccount::House(House::ExchangedOut),
            amount: self.figures().give,
            reason: Reason::Exchange,
            subject: self.papers.exchange.into(),
            at,
        };
        ledger::capture(changes, wallet, parts, transfer)?;
        Ok(())
    }

    /// The exchange as it was when it was decided, and not answered yet.
    fn committed(&self, exchange: Exchange, at: Timestamp) -> Exchange {
        let [.., transfer] = self.transfers;
        let Committed { commit, prepared, .. } = &self.papers;
        Exchange {
            state: ExchangeState::Committed,
            prepared: Some(prepared.clone()),
            commit: Some(commit.0.clone()),
            transfer: Some(transfer),
            cycle: Some(commit.1.cycle),
            committed_at: Some(self.committed_at()),
            attempts: 0,
            due_at: Some(at),
            ..exchange
        }
    }

    fn write(
        &self,
        books: &Books,
        changes: &mut Changes,
        exchange: Exchange,
        is_new: bool,
        at: Timestamp,
    ) -> Result<(), Fault> {
        changes.partner_entries.push(Change::Insert(PartnerEntry {
            partner: self.partner,
            id: self.entry,
            side: Side::Payable,
            kind: EntryKind::Exchange,
            amount: self.figures().compensation,
            subject: exchange.id.number(),
            cycle: self.papers.commit.1.cycle,
            at,
        }));
        count_booked(books, changes, &self.reunion, exchange.id)?;
        let (kind, subject) = (EventType::ExchangeCommitted, exchange.id.into());
        let event = Event::new(self.event, kind, exchange.account, subject, at);
        crate::event::tell(changes, event);
        let what = json!({ "epoch": self.reunion.0, "give": exchange.figures.give, "cycle": exchange.cycle });
        let what = difference(&Value::Null, &what);
        self.note.write(changes, Act::ExchangeRebooked, exchange.id, what, at);
        changes.exchanges.push(if is_new {
            Change::Insert(exchange)
        } else {
            Change::Update(exchange)
        });
        Ok(())
    }
}
