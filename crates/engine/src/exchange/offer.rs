//! Quotes of ours for a partner's buyer: firm for a minute, and used once.
//!
//! Nothing is kept of a quote but our signature under it. It is used up by the row of the exchange that takes it
//! (`prepare.rs`), whose name it has to itself. The limits of the day are only looked at here; they are taken there.

use scrip_domain::account::Account;
use scrip_domain::agreement::Agreement;
use scrip_domain::document::exchange::Quote;
use scrip_domain::exchange::{ExchangeDay, Going, Limit, QUOTE_SECONDS};
use scrip_domain::partner::Partner;
use scrip_domain::{Amount, Id};
use scrip_storage::Fault;

use super::{ExchangeRefusal, lost, name_of};
use crate::purchase_request::subject_from;
use crate::{Engine, Outcome};

impl Engine {
    /// A signed quote for the buyer whom the partner calls `subject`.
    pub async fn quote_for_partner(
        &self,
        partner: &Partner,
        subject: &str,
        give: Amount,
    ) -> Outcome<String, ExchangeRefusal> {
        let agreement = match self.agreement_with(partner).await? {
            Ok(agreement) => agreement,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let account = match self.receiver(partner, subject).await? {
            Ok(account) => account,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let figures = match agreement.terms.figures(&partner.url, give) {
            Ok(figures) => figures,
            Err(none) => return Ok(Err(ExchangeRefusal::Amount(none))),
        };
        let Some((way, from, to)) = agreement.terms.way(&partner.url) else {
            return Ok(Err(ExchangeRefusal::Suspended));
        };
        let now = self.now();
        if let Err(limit) = partner.with_reserved(Going::In, &figures, way, now) {
            return Ok(Err(ExchangeRefusal::Limit(limit)));
        }
        let none = ExchangeDay::new(partner.id, account, now);
        let day = self.store.exchange_day(partner.id, account).await?.unwrap_or(none);
        if day.counting(Going::In, give, way.buyer_day, now).is_none() {
            return Ok(Err(ExchangeRefusal::Limit(Limit::BuyerDay)));
        }
        let mut nonce = [0; 16];
        self.fill(&mut nonce);
        let quote = Quote {
            issuer: self.public_url().to_owned(),
            audience: partner.url.clone(),
            subject: subject.to_owned(),
            nonce: crate::purchase_request::subject_text(nonce),
            issued_at: now.unix_seconds(),
            agreement: name_of(&agreement),
            give_token: from.token,
            receive_token: to.token,
            figures,
            spread_basis_points: way.spread_basis_points,
            currency: agreement.terms.currency,
            expires_seconds: QUOTE_SECONDS,
        };
        Ok(Ok(self.sign_document(&quote)?))
    }

    /// The agreement under which the two exchange now.
    async fn agreement_with(&self, partner: &Partner) -> Outcome<Agreement, ExchangeRefusal> {
        let (Some(id), true) = (partner.agreement, partner.is_open()) else {
            return Ok(Err(ExchangeRefusal::Suspended));
        };
        Ok(Ok(self.store.agreement(id).await?.ok_or_else(|| lost("agreement"))?))
    }

    /// The account that the partner calls `subject`, if it may receive anything new.
    async fn receiver(
        &self,
        partner: &Partner,
        subject: &str,
    ) -> Outcome<Id<Account>, ExchangeRefusal> {
        let Some(name) = subject_from(subject) else { return Ok(Err(ExchangeRefusal::NotLinked)) };
        let Some(link) = self.store.partner_subject(partner.id, name).await? else {
            return Ok(Err(ExchangeRefusal::NotLinked));
        };
        let member = self.member(link.account).await?;
        let Some(member) = member else {
            return Err(Fault::Bug("a linked account is gone".into()));
        };
        if member.account.frozen_at.is_some() {
            return Ok(Err(ExchangeRefusal::word("account_frozen")));
        }
        Ok(Ok(link.account))
    }
}
