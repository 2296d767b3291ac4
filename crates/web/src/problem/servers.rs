//! What is said to merchants, and to buyers of theirs.

use scrip_domain::settings::{Settings, Token};
use scrip_engine::connection::ConnectionRefusal;
use scrip_engine::merchant::{MerchantRefusal, PayoutRefusal};
use scrip_engine::purchase_request::{MerchantLimit, RequestRefusal};

use super::{Problem, kind};
use crate::language::t;
use crate::money::MoneyOut;

impl Problem {
    /// Why something was not done with a purchase request; `settings` where a buyer is told.
    pub fn purchase_request(refusal: &RequestRefusal, settings: Option<&Settings>) -> Self {
        match refusal {
            RequestRefusal::NoSuchRequest => Self::not_found(),
            RequestRefusal::Offer(flaw) => {
                let field = match flaw.member {
                    "offer" => "offer".to_owned(),
                    member => format!("offer.{member}"),
                };
                let detail = format!("the offer is not accepted: {}", flaw.why);
                Self::new(&kind::OFFER_REFUSED, detail).with_error(field, "refused", flaw.why)
            }
            RequestRefusal::Limit(limit) => {
                let limited = |detail| Self::new(&kind::MERCHANT_LIMIT, detail);
                match limit {
                    MerchantLimit::Invited => limited("the invitation is not redeemed"),
                    // No limit of its own is in the way: its staff would look for one.
                    MerchantLimit::Suspended => {
                        limited(t("the merchant is suspended")).with("reason", "merchant_suspended")
                    }
                    MerchantLimit::Order => {
                        limited("the order is larger than the merchant's largest")
                    }
                    MerchantLimit::Open => limited("too many requests of the merchant are open"),
                    MerchantLimit::Day => {
                        limited("less is left of what the merchant may capture in a day")
                    }
                }
            }
            RequestRefusal::State(state) => {
                let detail = format!("the purchase request is {state}");
                Self::new(&kind::REQUEST_STATE, detail).with("state", state)
            }
            RequestRefusal::HoldExpired => {
                Self::new(&kind::HOLD_EXPIRED, "the hold is over: nothing was taken")
            }
            RequestRefusal::AlreadyRefunded => {
                let detail = "less than this is left of it after what went back before";
                Self::new(&kind::ALREADY_REFUNDED, detail)
            }
            RequestRefusal::WalletFull => Self::field("amount", "the wallet cannot hold that much"),
            RequestRefusal::Gate(gate) => match settings {
                Some(settings) => Self::gate(gate, settings),
                None => Self::not_found(),
            },
            RequestRefusal::KeyReused => Self::key_reused(),
            RequestRefusal::Stale => Self::busy(t("too much at once: ask again")),
        }
    }

    /// Why nothing was recorded as paid to a merchant.
    pub fn payout(refusal: &PayoutRefusal, token: &Token) -> Self {
        match refusal {
            PayoutRefusal::NoSuchMerchant => Self::not_found(),
            PayoutRefusal::Payable(payable) => {
                let payable = MoneyOut::tokens(*payable, token);
                let detail =
                    format!("more than nothing, and at most what can be paid out: {payable}");
                Self::field("tokens", detail).with("payable", payable)
            }
            PayoutRefusal::KeyReused => Self::key_reused(),
            PayoutRefusal::Stale => Self::busy(t("too much at once: ask again")),
        }
    }
}

impl From<ConnectionRefusal> for Problem {
    fn from(refusal: ConnectionRefusal) -> Self {
        match refusal {
            ConnectionRefusal::NoSuchConnection => Self::not_found(),
            ConnectionRefusal::Over => {
                let detail = t(
                    "the connection is over, or was decided otherwise: begin again at the merchant",
                );
                Self::new(&kind::REQUEST_STATE, detail)
            }
            ConnectionRefusal::ReturnUrl => {
                Self::field("return_url", t("not at an origin that is registered for the merchant"))
            }
            ConnectionRefusal::Suspended => {
                Self::new(&kind::MERCHANT_LIMIT, t("the merchant is suspended"))
            }
            ConnectionRefusal::KeyReused => Self::key_reused(),
        }
    }
}

impl From<MerchantRefusal> for Problem {
    fn from(refusal: MerchantRefusal) -> Self {
        match refusal {
            MerchantRefusal::NoSuchMerchant | MerchantRefusal::NoSuchInvitation => {
                Self::not_found()
            }
            MerchantRefusal::Taken => {
                let detail = "a merchant with this address is registered";
                Self::new(&kind::MERCHANT_TAKEN, detail).with_error("url", "taken", detail)
            }
            MerchantRefusal::Wrong(wrong) => wrong.into(),
        }
    }
}
