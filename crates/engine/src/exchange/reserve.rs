//! Taking a quote: the tokens are held, and nothing is decided yet.
//!
//! ```text
//! quote, unused and good ──▶ reserved: tokens held, compensation reserved, the quote used up
//! ```
//! Only tokens that may move are held: of the kinds that the agreement names, seasoned, nobody's hold. Then the partner is
//! asked at once, so that the buyer usually hears the end; what is left over then is done by the worker.

use scrip_domain::exchange::{Exchange, ExchangeDay, ExchangeQuote, ExchangeState, Going, HOLD};
use scrip_domain::gate::{self, GateRefusal, Short};
use scrip_domain::hold::{Hold, HoldLot, HoldState};
use scrip_domain::ledger::{LedgerAccount, Reason, Transfer};
use scrip_domain::link::LinkState;
use scrip_domain::lot::{self, Part};
use scrip_domain::partner::Partner;
use scrip_domain::request::Request;
use scrip_domain::settings::Vendor;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Amount, Id, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::{self, Entry};
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::drive::leased;
use super::{ExchangeRefusal, count_day, in_force, lost, way_of};
use crate::ledger::{self, Buyer};
use crate::purchase::Answered;
use crate::{Engine, Outcome};

impl Engine {
    /// Takes a quote, and drives the exchange as far as it goes now. The same request is answered the same again.
    pub async fn begin_exchange(
        &self,
        buyer: Buyer,
        quote: Id<ExchangeQuote>,
        request: Request,
    ) -> Outcome<Answered<Exchange>, ExchangeRefusal> {
        let row = self.store.exchange_quote(quote).await?;
        let Some(row) = row.filter(|row| row.account == buyer.account) else {
            return Ok(Err(ExchangeRefusal::NotFound));
        };
        let command = Reserve {
            buyer,
            vendor: self.vendor().await?.id,
            issuer: self.public_url().to_owned(),
            quote: row,
            request,
            exchange: self.mint()?,
            hold: self.mint()?,
            due: self.mint()?,
            transfer: self.mint()?,
        };
        let answered = match self.submit(command).await? {
            Ok(answered) => answered,
            Err(refusal) => return Ok(Err(refusal)),
        };
        Ok(Ok(match answered {
            Answered::First(id) => {
                // It is on record: what goes wrong now is done by the worker.
                if let Err(fault) = self.drive_exchange(id).await {
                    tracing::warn!(exchange = %id, %fault, "an exchange waits");
                }
                Answered::First(self.told_exchange(id).await?)
            }
            Answered::Replayed(id) => Answered::Replayed(self.told_exchange(id).await?),
        }))
    }

    /// The exchange as the request that began it is answered: at its end, or, for good, where it stood when that was first told.
    async fn told_exchange(&self, id: Id<Exchange>) -> Result<Exchange, Fault> {
        let Ok(told) = self.submit(Tell { exchange: id }).await?;
        Ok(told)
    }
}

struct Reserve {
    buyer: Buyer,
    vendor: Id<Vendor>,
    /// Our own address.
    issuer: String,
    quote: ExchangeQuote,
    request: Request,
    exchange: Id<Exchange>,
    hold: Id<Hold>,
    /// Books what had expired before.
    due: Id<Transfer>,
    transfer: Id<Transfer>,
}

type Answer = Decision<Answered<Id<Exchange>>, ExchangeRefusal>;

impl Command for Reserve {
    type Receipt = Answered<Id<Exchange>>;
    type Refusal = ExchangeRefusal;

    fn wants(&self, wants: &mut Wants) {
        let (account, partner) = (self.buyer.account, self.quote.partner);
        wants.wallets.guard((self.buyer.wallet,));
        wants.partners.guard((partner,));
        wants.accounts.read((account,));
        wants.vendor.read((self.vendor,));
        wants.exchange_quotes.read((self.quote.id,));
        wants.links.read((account, partner));
        wants.agreements.read((self.quote.agreement,));
        wants.exchange_days.read((partner, account));
        wants.by_account.read((account, index::REQUEST, self.request.key));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Answer, Fault> {
        let key = (self.buyer.account, index::REQUEST, self.request.key);
        if let Some(entry) = books.by_account.get(&key)? {
            return Ok(match Id::new(entry.target) {
                Some(id) if entry.note == self.request.fingerprint => {
                    Decision::done(Answered::Replayed(id), Changes::default())
                }
                _ => Decision::refused(ExchangeRefusal::KeyReused),
            });
        }
        let mut changes = Changes::default();
        match self.admit(books, &mut changes, at)? {
            Ok((partner, parts)) => {
                self.reserve(books, &mut changes, partner, &parts, at)?;
                Ok(Decision::done(Answered::First(self.exchange), changes))
            }
            Err(refusal) => Ok(Decision::refused(refusal)),
        }
    }
}

impl Reserve {
    /// The partner with the exchange reserved, and the lots that give; with the buyer's day counted.
    fn admit(
        &self,
        books: &Books,
        changes: &mut Changes,
        at: Timestamp,
    ) -> Result<Result<(Partner, Vec<Part>), ExchangeRefusal>, Fault> {
        let (account, figures) = (self.buyer.account, &self.quote.figures);
        let row = books.accounts.get(&(account,))?;
        let vendor = books.vendor.get(&(self.vendor,))?.ok_or_else(|| lost("vendor"))?;
        if let Err(shut) = gate::account(row, &vendor.settings) {
            return Ok(Err(ExchangeRefusal::Gate(shut)));
        }
        let quote = books.exchange_quotes.get(&(self.quote.id,))?.ok_or_else(|| lost("quote"))?;
        if quote.exchange.is_some() || quote.expires_at() <= at {
            return Ok(Err(ExchangeRefusal::QuoteOver));
        }
        let partner = books.partners.get(&(quote.partner,))?.ok_or_else(|| lost("partner"))?;
        if !partner.is_open() {
            return Ok(Err(ExchangeRefusal::Suspended));
        }
        // Other terms by now: what was offered under the former ones is over.
        let Some(agreement) = in_force(books, partner, quote.agreement)? else {
            return Ok(Err(ExchangeRefusal::QuoteOver));
        };
        let link = books.links.get(&(account, partner.id))?;
        if link.is_none_or(|link| link.state != LinkState::Active) {
            return Ok(Err(ExchangeRefusal::NotLinked));
        }
        let way = match way_of(&agreement.terms, &self.issuer) {
            Ok(way) => way,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let parts = match self.movable(books, &way.lots, at)? {
            Ok(parts) => parts,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let reserved = match partner.with_reserved(Going::Out, figures, way, at) {
            Ok(reserved) => reserved,
            Err(limit) => return Ok(Err(ExchangeRefusal::Limit(limit))),
        };
        let day = ExchangeDay::new(partner.id, account, at);
        let counted = (Going::Out, figures.give, way.buyer_day);
        let counted = count_day(books, changes, &day, counted, at)?;
        Ok(counted.map(|()| (reserved, parts)))
    }

    /// The lots that give, of those that may move.
    fn movable(
        &self,
        books: &Books,
        kinds: &[lot::LotKind],
        at: Timestamp,
    ) -> Result<Result<Vec<Part>, ExchangeRefusal>, Fault> {
        let wallet = self.wallet(books)?;
        let (required, balance) = (self.quote.figures.give, wallet.available_at(at));
        if balance < required {
            let short = GateRefusal::InsufficientBalance(Short { required, balance });
            return Ok(Err(ExchangeRefusal::Gate(short)));
        }
        let lots = lot::exchangeable(&wallet.lots, kinds, at);
        let exchangeable = Amount::try_sum(lots.iter().map(|lot| lot.spendable(at)));
        let exchangeable = exchangeable.unwrap_or(Amount::MAX);
        let refusal = || ExchangeRefusal::NotExchangeable { required, exchangeable };
        Ok(lot::consume(&lots, required, at).ok_or_else(refusal))
    }

    fn wallet<'a>(&self, books: &'a Books) -> Result<&'a Wallet, Fault> {
        books.wallets.get(&(self.buyer.wallet,))?.ok_or_else(|| lost("wallet"))
    }

    /// From here on it succeeds.
    fn reserve(
        &self,
        books: &Books,
        changes: &mut Changes,
        partner: Partner,
        parts: &[Part],
        at: Timestamp,
    ) -> Result<(), Fault> {
        let Self { buyer, quote, exchange: id, .. } = self;
        let (amount, reason, subject) = (quote.figures.give, Reason::ExchangeHold, (*id).into());
        let wallet = ledger::expire(changes, self.wallet(books)?, self.due, at)?;
        let transfer = Transfer {
            id: self.transfer,
            debit: LedgerAccount::Free(wallet.id),
            credit: LedgerAccount::Held(wallet.id),
            amount,
            reason,
            subject,
            at,
        };
        ledger::hold(changes, &wallet, parts, transfer)?;
        changes.hold_lots.extend(HoldLot::all(self.hold, parts).into_iter().map(Change::Insert));
        changes.holds.push(Change::Insert(Hold {
            id: self.hold,
            wallet: wallet.id,
            amount,
            reason,
            subject,
            state: HoldState::Open,
            created_at: at,
            expires_at: at.plus(HOLD),
            resolved_at: None,
        }));
        let mut exchange = Exchange::begin(*id, quote, self.hold, at);
        exchange.due_at = Some(leased(&exchange, at));
        let used = ExchangeQuote { exchange: Some(*id), ..quote.clone() };
        changes.exchange_quotes.push(Change::Update(used));
        changes.partners.push(Change::Update(partner));
        changes.exchanges.push(Change::Insert(exchange));
        changes.by_account.push(Change::Insert(Entry::exchange(buyer.account, *id)));
        let entry = Entry::request(buyer.account, self.request, subject);
        changes.by_account.push(Change::Insert(entry));
        Ok(())
    }
}

/// What the buyer is told: written down where it is not the end.
struct Tell {
    exchange: Id<Exchange>,
}

impl Command for Tell {
    type Receipt = Exchange;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.exchanges.guard((self.exchange,));
    }

    fn decide(
        &self,
        books: &Books,
        _: Timestamp,
    ) -> Result<Decision<Exchange, Self::Refusal>, Fault> {
        let row = books.exchanges.get(&(self.exchange,))?.ok_or_else(|| lost("row"))?;
        let mut changes = Changes::default();
        if row.told.is_none() && row.state.is_final() {
            return Ok(Decision::done(row.clone(), changes));
        }
        let state = row.told.unwrap_or(row.state);
        if row.told.is_none() {
            let told = Exchange { told: Some(state), ..row.clone() };
            changes.exchanges.push(Change::Update(told));
        }
        // As it stood then: nothing that came later.
        let committed_at = row.committed_at.filter(|_| state == ExchangeState::Committed);
        let (answered_at, written_off_at, reason) = (None, None, None);
        let then =
            Exchange { state, committed_at, answered_at, written_off_at, reason, ..row.clone() };
        Ok(Decision::done(then, changes))
    }
}
