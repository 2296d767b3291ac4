//! Asking a partner for a firm offer.
//!
//! ```text
//! asked (its minute begins here) ──▶ answered, believed, kept ──▶ taken by one exchange
//!                                                            └──nobody took it, two days──▶ forgotten, page by page
//! ```
//! The partner decides; this vendor reckons the same figures from the same terms, and believes no others. The minute counts
//! from when it was asked, so the partner's own, which begins later, is not over before.

use scrip_domain::agreement::{Agreement, NoFigures};
use scrip_domain::exchange::ExchangeQuote;
use scrip_domain::gate;
use scrip_domain::link::LinkState;
use scrip_domain::partner::Partner;
use scrip_domain::{Amount, Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};

use super::ExchangeRefusal;
use crate::ledger::Buyer;
use crate::peer::PeerError;
use crate::throttle::Limited;
use crate::{Engine, Outcome};

/// How long a quote that nobody took is known: its minute is long over.
const KEPT: Span = Span::days(2);
/// How many are forgotten by one command.
const PAGE: u32 = 500;

/// A firm offer, with the terms that it is made under.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The offer.
    pub quote: ExchangeQuote,
    /// Who makes it.
    pub partner: Partner,
    /// Under which agreement.
    pub agreement: Agreement,
}

impl Engine {
    /// Asks what giving so many tokens to a partner comes to.
    pub async fn ask_exchange_quote(
        &self,
        buyer: Buyer,
        partner: Id<Partner>,
        give: Amount,
    ) -> Outcome<Quoted, ExchangeRefusal> {
        let (vendor, member) = (self.vendor().await?, self.member(buyer.account).await?);
        let account = member.as_ref().map(|member| member.account.as_ref());
        if let Err(shut) = gate::account(account, &vendor.settings) {
            return Ok(Err(ExchangeRefusal::Gate(shut)));
        }
        let Some(partner) = self.store.partner(partner).await? else {
            return Ok(Err(ExchangeRefusal::NotFound));
        };
        let (Some(agreement), true) = (partner.agreement, partner.is_open()) else {
            return Ok(Err(ExchangeRefusal::Suspended));
        };
        let lost = || Fault::Bug("an agreement in force is gone".into());
        let agreement = self.store.agreement(agreement).await?.ok_or_else(lost)?;
        let link = self.store.link(buyer.account, partner.id).await?;
        let link = link.filter(|link| link.state == LinkState::Active);
        let Some(subject) = link.and_then(|link| link.subject) else {
            return Ok(Err(ExchangeRefusal::NotLinked));
        };
        let figures = match agreement.terms.figures(self.public_url(), give) {
            Ok(figures) => figures,
            Err(none) => return Ok(Err(ExchangeRefusal::Amount(none))),
        };
        let Some(partners) = self.partners() else { return Ok(Err(ExchangeRefusal::NoAnswer)) };
        let at = self.now();
        let who = buyer.account.to_string();
        if let Err(wait) = self.throttle.take([(Limited::QuoteAccount, &*who)], at) {
            return Ok(Err(ExchangeRefusal::RateLimited(wait)));
        }
        let document = match partners.quote(&partner.url, &subject, give).await {
            Ok(document) => document,
            Err(error) => {
                let refusal = refusal(&partner, &error);
                if refusal == ExchangeRefusal::NotLinked {
                    // The buyer has cut the link there: here it ends, too, and another can be made.
                    self.forget_link(buyer.account, partner.id, &subject).await?;
                }
                return Ok(Err(refusal));
            }
        };
        let believed = self.believe_quote(&partner, &agreement, &subject, &figures, &document);
        if let Err(error) = believed.await {
            return Ok(Err(refusal(&partner, &error)));
        }
        let (id, account) = (self.mint()?, buyer.account);
        let quote = ExchangeQuote {
            id,
            account,
            partner: partner.id,
            agreement: agreement.id,
            figures,
            document,
            exchange: None,
            at,
        };
        let Ok(()) = self.submit(Keep { quote: quote.clone() }).await?;
        Ok(Ok(Quoted { quote, partner, agreement }))
    }
}

impl Engine {
    /// Forgets a page of quotes of long ago that nobody took. Gives how many; ask again until there are none.
    pub async fn forget_quotes(&self) -> Result<usize, Fault> {
        let old = self.store.quotes_unused(self.now().minus(KEPT), PAGE).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let Ok(forgotten) = self.submit(Forget { quotes: old }).await?;
        Ok(forgotten)
    }
}

struct Forget {
    quotes: Vec<ExchangeQuote>,
}

impl Command for Forget {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.quotes.iter().for_each(|quote| wants.exchange_quotes.guard((quote.id,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for quote in &self.quotes {
            let known = books.exchange_quotes.get(&(quote.id,))?;
            let unused = known.filter(|quote| quote.exchange.is_none());
            changes.exchange_quotes.extend(unused.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.len(), changes))
    }
}

/// What a buyer is told of a partner that does not offer.
fn refusal(partner: &Partner, error: &PeerError) -> ExchangeRefusal {
    super::drive::note(partner, error);
    match error {
        PeerError::Refused { code, .. } => match code.as_str() {
            "not_linked" => ExchangeRefusal::NotLinked,
            "partner_suspended" => ExchangeRefusal::Suspended,
            "amount_out_of_bounds" => ExchangeRefusal::Amount(NoFigures::OutOfRange),
            code if super::drive::is_for_now(code) => ExchangeRefusal::NoAnswer,
            code => ExchangeRefusal::word(code),
        },
        PeerError::Unanswered(_) | PeerError::Unbelievable(_) => ExchangeRefusal::NoAnswer,
    }
}

struct Keep {
    quote: ExchangeQuote,
}

impl Command for Keep {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, _: &mut Wants) {}

    fn decide(&self, _: &Books, _: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        changes.exchange_quotes.push(Change::Insert(self.quote.clone()));
        Ok(Decision::done((), changes))
    }
}
