//! Preparing what a partner's buyer will receive: reserved under the cap, and signed.
//!
//! ```text
//! our own quote, good and unused ──▶ prepared, for three minutes
//! asked again by the same name ──▶ the same document, whatever the clock says
//! ```
//! A refusal leaves nothing on record, and the quote unused. Of two exchanges that would use one quote, the second finds it used.

use scrip_domain::account::Account;
use scrip_domain::agreement::Agreement;
use scrip_domain::connection::SubjectName;
use scrip_domain::document::Document;
use scrip_domain::document::MAX_LENGTH;
use scrip_domain::document::exchange::{Prepared, Quote};
use scrip_domain::exchange::{
    Exchange, ExchangeDay, Going, Incoming, IncomingState, PREPARED, PREPARED_SECONDS, QUOTE,
};
use scrip_domain::partner::Partner;
use scrip_domain::wallet::Wallet;
use scrip_domain::{Id, Timestamp};
use scrip_license::jws;
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::{ExchangeRefusal, TRIES, count_day, in_force, lost, name_of, way_of};
use crate::purchase_request::{Signer, subject_from};
use crate::{Engine, Outcome};

impl Engine {
    /// Reserves what a quote of ours promises, for the exchange that the partner calls so. The signed word that it is.
    pub async fn prepare_for_partner(
        &self,
        partner: &Partner,
        exchange: Id<Exchange>,
        text: &str,
    ) -> Outcome<String, ExchangeRefusal> {
        let own = self.keys();
        let read = jws::verify_within::<Quote>(MAX_LENGTH, text, Quote::TYP, own.public_protocol());
        let ours = read
            .ok()
            .filter(|quote| quote.issuer == self.public_url() && quote.audience == partner.url);
        let Some(quote) = ours else { return Ok(Err(ExchangeRefusal::word("quote_unknown"))) };
        for _ in 0..TRIES {
            let used = self.store.incoming_by_quote(&quote.nonce).await?;
            if used.is_some_and(|used| used.partner != partner.id || used.exchange != exchange) {
                return Ok(Err(ExchangeRefusal::word("quote_used")));
            }
            let command = match self.preparation(partner, exchange, text, &quote).await? {
                Ok(command) => command,
                Err(refusal) => return Ok(Err(refusal)),
            };
            match self.submit(command).await {
                Err(Fault::Conflict) | Ok(Err(ExchangeRefusal::Stale)) => {}
                answer => return answer,
            }
        }
        Err(Fault::Busy)
    }

    async fn preparation(
        &self,
        partner: &Partner,
        exchange: Id<Exchange>,
        text: &str,
        quote: &Quote,
    ) -> Outcome<Prepare, ExchangeRefusal> {
        let Some(subject) = subject_from(&quote.subject) else {
            return Ok(Err(ExchangeRefusal::NotLinked));
        };
        let before = self.store.incoming_exchange(partner.id, exchange).await?;
        let link = self.store.partner_subject(partner.id, subject).await?;
        // What is prepared already is answered for whoever it was prepared for, linked or not.
        let account = link.map(|link| link.account).or(before.and_then(|before| before.account));
        let (Some(account), Some(agreement)) = (account, partner.agreement) else {
            let over = partner.agreement.is_none();
            let refusal =
                if over { ExchangeRefusal::Suspended } else { ExchangeRefusal::NotLinked };
            return Ok(Err(refusal));
        };
        let wallet = self.buyer_of(account).await?.wallet;
        Ok(Ok(Prepare {
            partner: partner.id,
            exchange,
            quote: quote.clone(),
            text: text.to_owned(),
            subject,
            account,
            wallet,
            agreement,
            signer: self.signer(),
        }))
    }
}

struct Prepare {
    partner: Id<Partner>,
    exchange: Id<Exchange>,
    quote: Quote,
    /// The quote as it was signed: kept, so that a partner that was restored can be shown whose tokens were given.
    text: String,
    subject: SubjectName,
    account: Id<Account>,
    wallet: Id<Wallet>,
    agreement: Id<Agreement>,
    signer: Signer,
}

impl Command for Prepare {
    type Receipt = String;
    type Refusal = ExchangeRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.partners.guard((self.partner,));
        wants.incoming_exchanges.guard((self.partner, self.exchange));
        wants.partner_subjects.read((self.partner, self.subject));
        wants.agreements.read((self.agreement,));
        wants.accounts.read((self.account,));
        wants.wallets.read((self.wallet,));
        wants.exchange_days.read((self.partner, self.account));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<String, ExchangeRefusal>, Fault> {
        let mut changes = Changes::default();
        if let Some(before) = books.incoming_exchanges.get(&(self.partner, self.exchange))? {
            let same = before.prepared.as_ref().filter(|_| before.quote == self.quote.nonce);
            return Ok(match same {
                Some(prepared) => Decision::done(prepared.clone(), changes),
                None => Decision::refused(ExchangeRefusal::word("exchange_known")),
            });
        }
        match self.admit(books, &mut changes, at)? {
            Ok(partner) => {
                let prepared = self.prepare(&mut changes, partner, at)?;
                Ok(Decision::done(prepared, changes))
            }
            Err(refusal) => Ok(Decision::refused(refusal)),
        }
    }
}

impl Prepare {
    /// Whether the quote is good at `at`, by our own clock.
    fn is_good(&self, at: Timestamp) -> bool {
        let millis = i64::try_from(self.quote.issued_at).unwrap_or(0).saturating_mul(1000);
        at < Timestamp::from_millis(millis).plus(QUOTE)
    }

    /// The partner with what it may come to owe reserved; with the buyer's day counted.
    fn admit(
        &self,
        books: &Books,
        changes: &mut Changes,
        at: Timestamp,
    ) -> Result<Result<Partner, ExchangeRefusal>, Fault> {
        let partner = books.partners.get(&(self.partner,))?.ok_or_else(|| lost("partner"))?;
        if !partner.is_open() {
            return Ok(Err(ExchangeRefusal::Suspended));
        }
        let Some(agreement) = in_force(books, partner, self.agreement)? else {
            return Ok(Err(ExchangeRefusal::Stale));
        };
        if !self.is_good(at) || name_of(agreement) != self.quote.agreement {
            return Ok(Err(ExchangeRefusal::QuoteOver));
        }
        let link = books.partner_subjects.get(&(self.partner, self.subject))?;
        if link.is_none_or(|link| link.account != self.account) {
            return Ok(Err(ExchangeRefusal::NotLinked));
        }
        let account = books.accounts.get(&(self.account,))?.ok_or_else(|| lost("account"))?;
        if account.frozen_at.is_some() {
            return Ok(Err(ExchangeRefusal::word("account_frozen")));
        }
        let wallet = books.wallets.get(&(self.wallet,))?.ok_or_else(|| lost("wallet"))?;
        let figures = &self.quote.figures;
        if wallet.posted().checked_add(figures.receive).is_none() {
            return Ok(Err(ExchangeRefusal::word("wallet_full")));
        }
        let way = match way_of(&agreement.terms, &partner.url) {
            Ok(way) => way,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let reserved = match partner.with_reserved(Going::In, figures, way, at) {
            Ok(reserved) => reserved,
            Err(limit) => return Ok(Err(ExchangeRefusal::Limit(limit))),
        };
        let day = ExchangeDay::new(self.partner, self.account, at);
        let counted = (Going::In, figures.give, way.buyer_day);
        let counted = count_day(books, changes, &day, counted, at)?;
        Ok(counted.map(|()| reserved))
    }

    /// From here on it succeeds.
    fn prepare(
        &self,
        changes: &mut Changes,
        partner: Partner,
        at: Timestamp,
    ) -> Result<String, Fault> {
        let prepared = self.signer.sign(&Prepared {
            issuer: self.signer.issuer().to_owned(),
            audience: partner.url.clone(),
            issued_at: at.unix_seconds(),
            exchange: self.exchange.to_string(),
            quote: jws::digest(&self.text),
            commit_seconds: PREPARED_SECONDS,
        })?;
        changes.partners.push(Change::Update(partner));
        changes.incoming_exchanges.push(Change::Insert(Incoming {
            partner: self.partner,
            exchange: self.exchange,
            quote: self.quote.nonce.clone(),
            offer: Some(self.text.clone()),
            account: Some(self.account),
            agreement: Some(self.agreement),
            figures: Some(self.quote.figures),
            state: IncomingState::Prepared,
            prepared: Some(prepared.clone()),
            commit: None,
            answer: None,
            transfer: None,
            lot: None,
            cycle: None,
            at,
            until: at.plus(PREPARED),
            answered_at: None,
        }));
        Ok(prepared)
    }
}
