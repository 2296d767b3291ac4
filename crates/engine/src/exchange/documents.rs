//! What is believed of a partner: its signed documents, each on top of those before it.
//!
//! One is believed when the partner has signed it for this vendor, when it names the one before by its digest, and when its
//! figures are those that this vendor reckons from the same terms by itself.

use scrip_domain::agreement::{Agreement, Figures};
use scrip_domain::document::Document;
use scrip_domain::document::exchange::{Answer, Prepared, Quote};
use scrip_domain::exchange::Exchange;
use scrip_domain::partner::Partner;
use scrip_license::jws;

use super::name_of;
use crate::Engine;
use crate::peer::PeerError;

pub(super) fn unbelievable<T>(why: &str) -> Result<T, PeerError> {
    Err(PeerError::Unbelievable(why.to_owned()))
}

impl Engine {
    /// The claims of a document that the partner has signed for this vendor.
    pub(crate) async fn signed_by_partner<T: Document>(
        &self,
        partner: &Partner,
        text: &str,
    ) -> Result<T, PeerError> {
        match self.of_partner(partner, text).await {
            Ok(document) => document.map_err(PeerError::Unbelievable),
            Err(fault) => Err(PeerError::Unanswered(fault.to_string())),
        }
    }

    /// A quote is believed when it says of itself what this vendor reckons of it.
    pub(super) async fn believe_quote(
        &self,
        partner: &Partner,
        agreement: &Agreement,
        subject: &str,
        figures: &Figures,
        text: &str,
    ) -> Result<Quote, PeerError> {
        let quote: Quote = self.signed_by_partner(partner, text).await?;
        if quote.subject != subject || quote.agreement != name_of(agreement) {
            return unbelievable("a quote for another buyer, or under another agreement");
        }
        let Some((way, from, to)) = agreement.terms.way(self.public_url()) else {
            return unbelievable("a quote for what is not exchanged");
        };
        let tokens = quote.give_token == from.token && quote.receive_token == to.token;
        let terms = quote.spread_basis_points == way.spread_basis_points
            && quote.currency == agreement.terms.currency;
        if !tokens || !terms || quote.figures != *figures {
            return unbelievable("a quote that is not what the agreement says");
        }
        Ok(quote)
    }

    /// The word that an exchange is prepared.
    pub(super) async fn believe_prepared(
        &self,
        partner: &Partner,
        exchange: &Exchange,
        quote: &str,
        text: &str,
    ) -> Result<Prepared, PeerError> {
        let prepared: Prepared = self.signed_by_partner(partner, text).await?;
        let same = prepared.exchange == exchange.id.to_string();
        if !same || prepared.quote != jws::digest(quote) {
            return unbelievable("another exchange, or another quote, is prepared");
        }
        Ok(prepared)
    }

    /// The final word on our commit.
    pub(super) async fn believe_answer(
        &self,
        partner: &Partner,
        exchange: &Exchange,
        text: &str,
    ) -> Result<Answer, PeerError> {
        let answer: Answer = self.signed_by_partner(partner, text).await?;
        let commit = exchange.commit.as_deref().map(jws::digest);
        let same = answer.exchange == exchange.id.to_string();
        if !same || Some(&answer.commit) != commit.as_ref() {
            return unbelievable("an answer to another commit");
        }
        Ok(answer)
    }
}
