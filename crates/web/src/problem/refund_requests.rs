//! Why nothing is asked back, why a request stays as it is, and why an account is not erased.

use scrip_domain::settings::Token;
use scrip_engine::erasure::EraseRefusal;
use scrip_engine::refund_request::{VerdictRefusal, WishRefusal};

use super::{Problem, kind};
use crate::language::{t, text};
use crate::money::MoneyOut;

impl From<WishRefusal> for Problem {
    fn from(refusal: WishRefusal) -> Self {
        match refusal {
            WishRefusal::NoSuchOrder => Self::not_found(),
            WishRefusal::NoSuchLine => Self::field("line", t("the order has no such line")),
            WishRefusal::NotPaid(state) => {
                let detail = text!("nothing was paid: the order is {state}", state);
                Self::new(&kind::ORDER_NOT_PAID, detail).with("state", state)
            }
            WishRefusal::AlreadyRefunded => {
                Self::new(&kind::ALREADY_REFUNDED, t("all of this line was given back before"))
                    .with_error("line", "already_refunded", t("look at the order's refunds"))
            }
            WishRefusal::Free => {
                Self::field("line", t("nothing was paid for it that could go back"))
            }
            WishRefusal::Open(request) => Self::new(
                &kind::REFUND_REQUEST_OPEN,
                t("you have asked for this line already: the vendor has not decided yet"),
            )
            .with("request", request),
            WishRefusal::KeyReused => Self::key_reused(),
        }
    }
}

impl From<VerdictRefusal> for Problem {
    fn from(refusal: VerdictRefusal) -> Self {
        match refusal {
            VerdictRefusal::NoSuchRequest => Self::not_found(),
            VerdictRefusal::Decided(state) => {
                let detail = format!("it was decided before: the request is {state}");
                Self::new(&kind::REFUND_REQUEST_DECIDED, detail).with("state", state)
            }
            VerdictRefusal::Refund(refusal) => Self::refund(&refusal),
        }
    }
}

impl Problem {
    /// Why an account is not erased.
    pub fn erase(refusal: &EraseRefusal, token: &Token) -> Self {
        match refusal {
            EraseRefusal::NoSuchAccount => Self::not_found(),
            EraseRefusal::Owner(refusal) => (*refusal).into(),
            EraseRefusal::Open(obstacles, balance) => {
                let words: Vec<_> = obstacles.iter().map(|one| one.as_str()).collect();
                // For programs: the page says each of them in a sentence.
                let detail = format!("something is open still: {}", words.join(", "));
                Self::new(&kind::ACCOUNT_NOT_SETTLED, detail)
                    .with("open", words)
                    .with("balance", MoneyOut::tokens(*balance, token))
            }
        }
    }
}
