//! The final word on a partner's commit: said once, signed, kept for ever.
//!
//! ```text
//! prepared ──a commit that fits, in time──▶ fulfilled: tokens issued, compensation claimed
//!     ├──that fits, too late, or after it lapsed──▶ late
//!     └──that does not fit, or of a cycle that is closed──▶ rejected           nothing prepared ──▶ rejected
//! ```
//! What was said once is said again, whatever the clock says. A commit that the partner has not signed for this exchange is none,
//! and leaves nothing on record. An account that was frozen meanwhile receives all the same: the partner's buyer has paid. One
//! that was erased does not, and the partner gives back: nobody could spend what it received.

use scrip_domain::agreement::Agreement;
use scrip_domain::document::exchange::{Answer, Answered, Commit};
use scrip_domain::event::{Event, EventType};
use scrip_domain::exchange::{Exchange, Going, Incoming, IncomingState};
use scrip_domain::ledger::{House, LedgerAccount, Reason, Transfer};
use scrip_domain::lot::{Lot, LotKind};
use scrip_domain::partner::{EntryKind, Partner, PartnerEntry, Side};
use scrip_domain::settings::Vendor;
use scrip_domain::{Id, Timestamp};
use scrip_license::jws;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::give_up::release;
use super::{ExchangeRefusal, TRIES, lost, uneven};
use crate::ledger::Buyer;
use crate::purchase_request::{Moves, Signer};
use crate::{Engine, Outcome, ledger};

/// Why a commit is not fulfilled: stable words.
const LATE: &str = "late";
const UNKNOWN: &str = "unknown";
const DIFFERENT: &str = "different";
const WALLET_FULL: &str = "wallet_full";
const ERASED: &str = "account_erased";
const CYCLE: &str = "cycle_closed";

/// How many cycles a partner may be ahead: one that settles each exchange by itself is, by what waits for its answers.
const AHEAD: u32 = 10_000;

impl Engine {
    /// Answers a partner's commit for good.
    pub async fn fulfil_for_partner(
        &self,
        partner: &Partner,
        exchange: Id<Exchange>,
        text: &str,
    ) -> Outcome<String, ExchangeRefusal> {
        let commit = match self.of_partner::<Commit>(partner, text).await? {
            Ok(commit) if commit.exchange == exchange.to_string() => commit,
            Ok(_) | Err(_) => {
                tracing::warn!(target: "security", partner = %partner.id, %exchange, "a commit is not believed");
                return Ok(Err(ExchangeRefusal::word("commit_unknown")));
            }
        };
        for _ in 0..TRIES {
            let row = self.store.incoming_exchange(partner.id, exchange).await?;
            let buyer = match row.as_ref().and_then(|row| row.account) {
                Some(account) => Some(self.buyer_of(account).await?),
                None => None,
            };
            let command = Fulfil {
                partner: partner.id,
                exchange,
                text: text.to_owned(),
                commit: commit.clone(),
                buyer,
                agreement: row.and_then(|row| row.agreement),
                vendor: self.vendor().await?.id,
                signer: self.signer(),
                lot: self.mint()?,
                transfer: self.mint()?,
                moves: self.moves()?,
                entry: self.mint()?,
                event: self.mint()?,
            };
            match self.submit(command).await? {
                Err(ExchangeRefusal::Stale) => {}
                answer => return Ok(answer),
            }
        }
        Err(Fault::Busy)
    }
}

struct Fulfil {
    partner: Id<Partner>,
    exchange: Id<Exchange>,
    text: String,
    commit: Commit,
    /// Who receives, as it was looked up before.
    buyer: Option<Buyer>,
    agreement: Option<Id<Agreement>>,
    vendor: Id<Vendor>,
    signer: Signer,
    lot: Id<Lot>,
    transfer: Id<Transfer>,
    moves: Moves,
    entry: Id<PartnerEntry>,
    event: Id<Event>,
}

impl Command for Fulfil {
    type Receipt = String;
    type Refusal = ExchangeRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.incoming_exchanges.guard((self.partner, self.exchange));
        wants.vendor.read((self.vendor,));
        wants.statements.read((self.partner, self.commit.cycle));
        if let Some(buyer) = self.buyer {
            wants.wallets.guard((buyer.wallet,));
            wants.accounts.read((buyer.account,));
            wants.debt_payments.read((buyer.wallet,));
            wants.exchange_days.read((self.partner, buyer.account));
        }
        if let Some(agreement) = self.agreement {
            wants.agreements.read((agreement,));
        }
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<String, ExchangeRefusal>, Fault> {
        let mut changes = Changes::default();
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        let Some(row) = books.incoming_exchanges.get(&(self.partner, self.exchange))? else {
            let row = self.unknown(at);
            let (row, answer) = self.answered(partner, row, Answered::Rejected, UNKNOWN, at)?;
            changes.incoming_exchanges.push(Change::Insert(row));
            return Ok(Decision::done(answer, changes));
        };
        if let Some(answer) = &row.answer {
            return Ok(Decision::done(answer.clone(), changes));
        }
        if row.account != self.buyer.map(|buyer| buyer.account) || row.agreement != self.agreement {
            return Ok(Decision::refused(ExchangeRefusal::Stale));
        }
        let fits = self.fits(books, row)?;
        let (word, reason) = match row.answered(fits, at) {
            Answered::Fulfilled if !self.is_open(books, partner)? => (Answered::Rejected, CYCLE),
            Answered::Fulfilled if self.is_erased(books)? => (Answered::Rejected, ERASED),
            Answered::Fulfilled if !self.has_room(books, at)? => (Answered::Rejected, WALLET_FULL),
            Answered::Rejected => (Answered::Rejected, DIFFERENT),
            word => (word, LATE),
        };
        let mut row = row.clone();
        let mut partner = partner.clone();
        if word == Answered::Fulfilled {
            partner = self.issue(books, &mut changes, &partner, &mut row, at)?;
            changes.partners.push(Change::Update(partner.clone()));
        } else if row.state == IncomingState::Prepared {
            partner = release(books, &mut changes, &partner, &row)?;
            changes.partners.push(Change::Update(partner.clone()));
        }
        let (row, answer) = self.answered(&partner, row, word, reason, at)?;
        changes.incoming_exchanges.push(Change::Update(row));
        Ok(Decision::done(answer, changes))
    }
}

impl Fulfil {
    /// Whether the commit is of what was prepared.
    fn fits(&self, books: &Books, row: &Incoming) -> Result<bool, Fault> {
        let agreement = match self.agreement {
            Some(id) => books.agreements.get(&(id,))?,
            None => None,
        };
        let currency = agreement.map(|agreement| agreement.terms.currency);
        let prepared = row.prepared.as_deref().map(jws::digest);
        Ok(prepared.as_deref() == Some(self.commit.prepared.as_str())
            && row.figures == Some(self.commit.figures)
            && currency == Some(self.commit.currency))
    }

    /// Whether the partner has not signed yet what it owes for the cycle. After that nothing is added to it.
    fn is_open(&self, books: &Books, partner: &Partner) -> Result<bool, Fault> {
        let cycle = self.commit.cycle;
        let is_one = (1..=partner.cycle.saturating_add(AHEAD)).contains(&cycle);
        let statement = books.statements.get(&(self.partner, cycle))?;
        Ok(is_one && statement.is_none_or(|statement| statement.theirs.is_none()))
    }

    fn is_erased(&self, books: &Books) -> Result<bool, Fault> {
        let buyer = self.buyer.ok_or_else(|| lost("account"))?;
        let account = books.accounts.get(&(buyer.account,))?.ok_or_else(|| lost("account"))?;
        Ok(account.erased_at.is_some())
    }

    fn has_room(&self, books: &Books, at: Timestamp) -> Result<bool, Fault> {
        let buyer = self.buyer.ok_or_else(|| lost("account"))?;
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let now = wallet.clone().as_of(at);
        Ok(now.posted().checked_add(self.commit.figures.receive).is_some())
    }

    /// A row for what was never prepared here.
    fn unknown(&self, at: Timestamp) -> Incoming {
        Incoming {
            partner: self.partner,
            exchange: self.exchange,
            quote: Incoming::no_quote(self.partner, self.exchange),
            offer: None,
            account: None,
            agreement: None,
            figures: None,
            state: IncomingState::Rejected,
            prepared: None,
            commit: None,
            answer: None,
            transfer: None,
            lot: None,
            cycle: None,
            at,
            until: at,
            answered_at: None,
        }
    }

    /// The row with its final word, and that word, signed.
    fn answered(
        &self,
        partner: &Partner,
        row: Incoming,
        word: Answered,
        reason: &str,
        at: Timestamp,
    ) -> Result<(Incoming, String), Fault> {
        let answer = self.signer.sign(&Answer {
            issuer: self.signer.issuer().to_owned(),
            audience: partner.url.clone(),
            issued_at: at.unix_seconds(),
            exchange: self.exchange.to_string(),
            commit: jws::digest(&self.text),
            outcome: word,
            reason: (word != Answered::Fulfilled).then(|| reason.to_owned()),
        })?;
        let row = Incoming {
            state: IncomingState::after(word),
            commit: Some(self.text.clone()),
            answer: Some(answer.clone()),
            answered_at: Some(at),
            ..row
        };
        Ok((row, answer))
    }

    /// Issues the tokens, in a lot of their own kind, and claims the compensation. What is owed is paid from them.
    fn issue(
        &self,
        books: &Books,
        changes: &mut Changes,
        partner: &Partner,
        row: &mut Incoming,
        at: Timestamp,
    ) -> Result<Partner, Fault> {
        let buyer = self.buyer.ok_or_else(|| lost("account"))?;
        let wallet = books.wallets.get(&(buyer.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| lost("vendor"))?;
        let (kind, figures) = (LotKind::Exchange, self.commit.figures);
        let lot = Lot {
            id: self.lot,
            wallet: wallet.id,
            kind,
            amount: figures.receive,
            priority: kind.priority(),
            expires_at: None,
            exchangeable_at: Some(vendor.settings.credit.seasoning.exchanged(at)),
            created_at: at,
        };
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::House(House::ExchangedIn),
            credit: LedgerAccount::Free(wallet.id),
            amount: figures.receive,
            reason: Reason::Exchange,
            subject: self.exchange.into(),
            at,
        };
        let wallet = ledger::expire(changes, wallet, self.moves.due, at)?;
        let (home, wallet) = ledger::put(changes, &wallet, lot, transfer)?;
        ledger::settle(changes, books, &wallet, self.moves.debt, at)?;
        row.transfer = Some(self.transfer);
        row.lot = Some(home);
        row.cycle = Some(self.commit.cycle);
        changes.partner_entries.push(Change::Insert(PartnerEntry {
            partner: self.partner,
            id: self.entry,
            side: Side::Receivable,
            kind: EntryKind::Exchange,
            amount: figures.compensation,
            subject: self.exchange.number(),
            cycle: self.commit.cycle,
            at,
        }));
        let (account, subject) = (buyer.account, self.exchange.into());
        let event = Event::new(self.event, EventType::ExchangeFulfilled, account, subject, at);
        crate::event::tell(changes, event);
        partner.booked(Going::In, &figures).ok_or_else(uneven)
    }
}
