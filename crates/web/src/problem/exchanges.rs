//! What is said of exchanges: to buyers, to staff, and to the partners.

use scrip_domain::agreement::NoFigures;
use scrip_domain::exchange::Limit;
use scrip_domain::settings::Settings;
use scrip_domain::{Amount, Unit};
use scrip_engine::exchange::ExchangeRefusal;

use super::{Problem, kind};
use crate::language::{t, text};
use crate::money::MoneyOut;

impl Problem {
    /// Why nothing was done about an exchange of the vendor's tokens.
    pub fn exchange(refusal: &ExchangeRefusal, settings: &Settings) -> Self {
        let token = &settings.token;
        match refusal {
            ExchangeRefusal::NotLinked => {
                Self::new(&kind::NOT_LINKED, t("no account at this partner is linked"))
            }
            ExchangeRefusal::Amount(none) => {
                Self::no_figures(*none, Some((token.code, token.scale)))
            }
            ExchangeRefusal::Limit(limit) => {
                let detail = match limit {
                    Limit::BuyerDay => t("more than a buyer may exchange in a day"),
                    Limit::Day => t("more than may be exchanged in a day"),
                    Limit::Cap => t("more than one vendor may owe the other"),
                };
                Self::new(&kind::EXCHANGE_LIMIT, detail).with("limit", limit)
            }
            ExchangeRefusal::Gate(gate) => Self::gate(gate, settings),
            ExchangeRefusal::NotExchangeable { required, exchangeable } => {
                let exchangeable = MoneyOut::tokens(*exchangeable, token);
                let detail =
                    text!("of these tokens only {exchangeable} can be exchanged now", exchangeable);
                Self::new(&kind::NOT_EXCHANGEABLE, detail)
                    .with("required", MoneyOut::tokens(*required, token))
                    .with("exchangeable", exchangeable)
            }
            ExchangeRefusal::NoAnswer => {
                Self::busy(t("the partner gave no answer: nothing was begun, ask again"))
            }
            ExchangeRefusal::NotSilent => Self::exchange_refused("not_silent"),
            ExchangeRefusal::KeyReused => Self::key_reused(),
            ExchangeRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
            refusal => Self::partner_exchange(refusal),
        }
    }

    /// The same, as a partner is told it: bounds are in its own tokens, and nothing is told of a buyer here.
    pub fn partner_exchange(refusal: &ExchangeRefusal) -> Self {
        match refusal {
            ExchangeRefusal::NotFound => Self::not_found(),
            ExchangeRefusal::Amount(none) => Self::no_figures(*none, None),
            ExchangeRefusal::NotLinked => {
                Self::new(&kind::NOT_LINKED, t("this buyer has no account here that is linked"))
            }
            ExchangeRefusal::Suspended => Self::partner_suspended(),
            ExchangeRefusal::QuoteOver => {
                Self::new(&kind::QUOTE_EXPIRED, t("the quote is over: ask for a new one"))
            }
            ExchangeRefusal::Limit(limit) => {
                Self::new(&kind::EXCHANGE_LIMIT, text!("the limit {limit} stands before it", limit))
                    .with("limit", limit)
            }
            ExchangeRefusal::Refused(word) => Self::exchange_refused(word),
            // The rest is said to buyers and staff only.
            ExchangeRefusal::Gate(_)
            | ExchangeRefusal::NotExchangeable { .. }
            | ExchangeRefusal::NotSilent
            | ExchangeRefusal::KeyReused
            | ExchangeRefusal::RateLimited(_)
            | ExchangeRefusal::NoAnswer
            | ExchangeRefusal::Stale => Self::busy(t("too much at once: ask again")),
        }
    }

    fn exchange_refused(word: &str) -> Self {
        Self::new(&kind::EXCHANGE_REFUSED, text!("the exchange is refused: {word}", word))
            .with("reason", word)
    }

    fn no_figures(none: NoFigures, token: Option<(Unit, u8)>) -> Self {
        let bound = |name: &str, word: &str, amount: Amount| match token {
            Some((unit, scale)) => {
                let shown = MoneyOut::scaled(amount, unit, scale);
                Self::new(&kind::AMOUNT_OUT_OF_BOUNDS, format!("{word} {shown}")).with(name, shown)
            }
            None => Self::new(&kind::AMOUNT_OUT_OF_BOUNDS, format!("{word} {}", amount.units()))
                .with(name, amount),
        };
        match none {
            NoFigures::NotThisWay => Self::exchange_refused("not_this_way"),
            NoFigures::BelowMin(min) => bound("min", t("at least"), min),
            NoFigures::AboveMax(max) => bound("max", t("at most"), max),
            NoFigures::TooSmall => {
                let detail = t("it would buy less than the smallest unit of the other token");
                Self::new(&kind::AMOUNT_OUT_OF_BOUNDS, detail)
            }
            NoFigures::OutOfRange => {
                Self::new(&kind::AMOUNT_OUT_OF_BOUNDS, t("so much, or so little, is not exchanged"))
            }
        }
    }
}
