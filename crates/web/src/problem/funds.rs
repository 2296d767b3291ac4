//! What is said where funds are not added, or do not go back.

use scrip_domain::Amount;
use scrip_domain::payment_method::MOST;
use scrip_domain::sale::{NoSale, Wish};
use scrip_domain::settings::{Settings, Token};
use scrip_engine::auto_top_up::AutoRefusal;
use scrip_engine::credit_line::{OwedElsewhere, RepayRefusal};
use scrip_engine::payment_method::PaymentMethodRefusal;
use scrip_engine::reversal::TopUpRefundRefusal;
use scrip_engine::top_up::appeal::AppealRefusal;
use scrip_engine::top_up::offline::OfflineRefusal;
use scrip_engine::top_up::{DecideRefusal, TopUpRefusal};
use serde_json::{Value, json};

use super::{Problem, kind};
use crate::language::{t, text};
use crate::money::MoneyOut;

impl Problem {
    /// Why no top-up was made; `body` is the declined top-up.
    pub fn top_up(refusal: &TopUpRefusal, body: impl FnOnce() -> Value) -> Self {
        match refusal {
            TopUpRefusal::Declined { top_up, .. } => {
                Self::new(&kind::CREDIT_DECLINED, t("the top-up was declined; nothing was charged"))
                    .with("top_up", body())
                    .with("reasons", top_up.assessment().map(|assessment| &assessment.reasons))
            }
            TopUpRefusal::MethodUnknown => {
                Self::field("method", t("this vendor takes no such method"))
            }
            TopUpRefusal::PaymentMethodUnknown => {
                Self::field("payment_method", t("none of the account's payment methods"))
            }
            TopUpRefusal::PaymentMethodMissing => {
                Self::field("payment_method", t("name the card to pay with: the account has none"))
            }
            TopUpRefusal::VoucherRefused => {
                Self::new(&kind::VOUCHER_REFUSED, t("this voucher cannot be redeemed"))
            }
            TopUpRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
            TopUpRefusal::OverLimit => {
                let detail =
                    "less is left of the account's credit line: raise its limit, or decline";
                Self::new(&kind::CREDIT_LIMIT, detail)
            }
            TopUpRefusal::TooMuch => Self::field("tokens", t("the wallet cannot hold that much")),
            TopUpRefusal::KeyReused => Self::key_reused(),
            TopUpRefusal::AccountFrozen => Self::account_frozen(),
        }
    }

    /// Why tokens are not sold as a top-up asks.
    pub fn no_sale(why: NoSale, wish: Wish, settings: &Settings) -> Self {
        let token = &settings.token;
        let field = match wish {
            Wish::Pay(_) => "pay",
            Wish::Tokens(..) | Wish::TokensFor(..) => "tokens",
        };
        match why {
            NoSale::Currency => {
                let all: Vec<_> = settings.prices().map(|price| price.money.unit).collect();
                let named: Vec<_> = all.iter().map(ToString::to_string).collect();
                let field = if matches!(wish, Wish::Tokens(..)) { "currency" } else { "pay.unit" };
                Self::field(field, text!("tokens are sold in {units}", units = named.join(", ")))
                    .with("currencies", all)
            }
            NoSale::Nothing => Self::field(format!("{field}.amount"), t("more than nothing")),
            NoSale::OutOfRange => Self::field(format!("{field}.amount"), t("out of range")),
            NoSale::Limits => {
                let limits = settings.top_up_limits;
                let shown = |amount: Option<Amount>| amount.map(|it| MoneyOut::tokens(it, token));
                let (min, max) = (shown(limits.min), shown(limits.max));
                let detail = match (&min, &max) {
                    (Some(min), Some(max)) => text!("{min} to {max} at once", min, max),
                    (Some(min), None) => text!("at least {min} at once", min),
                    (_, max) => text!(
                        "at most {max} at once",
                        max = max.as_ref().map_or_else(String::new, ToString::to_string)
                    ),
                };
                Self::field(format!("{field}.amount"), detail)
                    .with("limits", json!({ "min": min, "max": max }))
            }
            NoSale::Price(pay) => Self::new(
                &kind::PRICE_CHANGED,
                t("tokens cost something else now: look again and ask"),
            )
            .with("pay", MoneyOut::currency(pay)),
        }
    }

    /// Why a card was not kept, or not chosen.
    pub fn payment_method(refusal: &PaymentMethodRefusal) -> Self {
        let field = |detail: &str| Self::field("payment_method", detail);
        match refusal {
            PaymentMethodRefusal::NoProcessor => field(t("this vendor takes no cards")),
            PaymentMethodRefusal::Unknown => field(t("none of the account's payment methods")),
            PaymentMethodRefusal::Removed => Self::new(
                &kind::PAYMENT_METHOD_REMOVED,
                t("this card was removed: have the processor name it anew"),
            ),
            PaymentMethodRefusal::Refused(code) => {
                field(&text!("the card's processor refused it: {code}", code))
            }
            PaymentMethodRefusal::TooMany => Self::new(
                &kind::TOO_MANY_PAYMENT_METHODS,
                text!("an account keeps at most {most} cards: remove one first", most = MOST),
            ),
            PaymentMethodRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
            PaymentMethodRefusal::AccountFrozen => Self::account_frozen(),
        }
    }

    /// A card's number came, which must never.
    pub fn card_number(field: &str) -> Self {
        let detail = t(
            "this could be the number of a card: give it to the processor's own form, never to this server",
        );
        Self::field(field, detail)
    }

    /// Why no money of a top-up was given back.
    pub fn top_up_refund(refusal: &TopUpRefundRefusal, token: &Token) -> Self {
        match refusal {
            TopUpRefundRefusal::NotFound => Self::not_found(),
            TopUpRefundRefusal::NotCredited(state) => {
                let detail =
                    text!("nothing came of this top-up that could go back: it is {state}", state);
                Self::new(&kind::TOP_UP_STATE, detail).with("state", state)
            }
            TopUpRefundRefusal::StillDue(state) => {
                let detail = "the rest is still awaited: cancel it first, then refund";
                Self::new(&kind::TOP_UP_STATE, detail).with("state", state)
            }
            TopUpRefundRefusal::NotPaid(method) => {
                let detail = text!("no money was paid here for a top-up by {method}", method);
                Self::new(&kind::TOP_UP_STATE, detail).with("state", "credited")
            }
            TopUpRefundRefusal::WrongUnit => {
                Self::field("amount.unit", "neither the token nor what the top-up was paid in")
            }
            TopUpRefundRefusal::TooLittle => {
                Self::field("amount", "less than the smallest part of money or tokens")
            }
            TopUpRefundRefusal::AlreadyRefunded => {
                let detail =
                    "less than this is left of the top-up after what went back or is disputed";
                Self::new(&kind::ALREADY_REFUNDED, detail)
            }
            TopUpRefundRefusal::Spent(unspent) => {
                let unspent = MoneyOut::tokens(unspent.tokens, token);
                let detail = text!("of the tokens of this top-up {unspent} are unspent", unspent);
                Self::new(&kind::TOKENS_SPENT, detail).with("available", unspent)
            }
            TopUpRefundRefusal::KeyReused => Self::key_reused(),
        }
    }

    /// Why nothing was booked for an offline top-up, or why it was not cancelled.
    pub fn offline(refusal: &OfflineRefusal) -> Self {
        match refusal {
            OfflineRefusal::NotFound => Self::not_found(),
            OfflineRefusal::NotDue(state) => {
                let detail = text!("nothing is due for this top-up: it is {state}", state);
                Self::new(&kind::TOP_UP_STATE, detail).with("state", state)
            }
            OfflineRefusal::SomeCame => {
                let detail = t("some of the money came already: ask the vendor to cancel the rest");
                Self::new(&kind::TOP_UP_STATE, detail).with("state", "requires_action")
            }
            OfflineRefusal::Due(due) => {
                let due = MoneyOut::currency(*due);
                Self::field(
                    "money",
                    text!("more than nothing, and at most what is due: {due}", due),
                )
            }
            OfflineRefusal::WalletFull => {
                Self::field("money", t("the wallet cannot hold that much"))
            }
            OfflineRefusal::KeyReused => Self::key_reused(),
            OfflineRefusal::AccountFrozen => Self::account_frozen(),
        }
    }

    /// Why an appeal is not heard.
    pub fn appeal(refusal: &AppealRefusal) -> Self {
        match refusal {
            AppealRefusal::NotFound => Self::not_found(),
            AppealRefusal::NotHeard(state) => {
                let detail = t(
                    "an appeal is against a decline of the last seven days, by no person, for which \
                    nothing was reserved",
                );
                Self::new(&kind::TOP_UP_STATE, detail).with("state", state)
            }
            AppealRefusal::AccountFrozen => Self::account_frozen(),
        }
    }

    /// Why nothing was decided on a top-up.
    pub fn decide(refusal: &DecideRefusal) -> Self {
        match refusal {
            DecideRefusal::NotFound => Self::not_found(),
            DecideRefusal::NotInReview(state) => {
                let detail = text!("the top-up does not wait for review: it is {state}", state);
                Self::new(&kind::NOT_IN_REVIEW, detail)
            }
            DecideRefusal::Refused(refusal) => Self::top_up(refusal, || Value::Null),
        }
    }
}

impl From<AutoRefusal> for Problem {
    fn from(refusal: AutoRefusal) -> Self {
        match refusal {
            AutoRefusal::NoCards => Self::field("to", t("this vendor takes no cards")),
            AutoRefusal::PaymentMethodUnknown => {
                Self::field("payment_method", t("no such payment method"))
            }
            AutoRefusal::PaymentMethodMissing => {
                Self::field("payment_method", t("name the card to pay with: the account has none"))
            }
            AutoRefusal::AccountFrozen => Self::account_frozen(),
        }
    }
}

impl From<OwedElsewhere> for Problem {
    fn from(OwedElsewhere(owed): OwedElsewhere) -> Self {
        let owed = MoneyOut::currency(owed);
        Self::field(
            "limit.unit",
            text!("{owed} are still owed in the currency of the old limit", owed),
        )
    }
}

impl From<RepayRefusal> for Problem {
    fn from(refusal: RepayRefusal) -> Self {
        match refusal {
            RepayRefusal::NothingOwed => {
                Self::new(&kind::NOTHING_OWED, t("nothing is owed by this account"))
            }
            RepayRefusal::Owed(owed) => {
                let owed = MoneyOut::currency(owed);
                Self::field(
                    "money",
                    text!("more than nothing, and at most what is owed: {owed}", owed),
                )
            }
            RepayRefusal::KeyReused => Self::key_reused(),
        }
    }
}
