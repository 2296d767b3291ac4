//! What is said of partners, agreements and links: to staff, to buyers, and to the partners.

use crate::language::t;
use scrip_domain::agreement::Flaw;
use scrip_engine::agreement::AgreementRefusal;
use scrip_engine::link::LinkRefusal;
use scrip_engine::link::request::LinkRequestRefusal;
use scrip_engine::partner::PartnerRefusal;

use super::{Problem, kind};

impl Problem {
    /// Why terms were not proposed.
    pub fn proposal(refusal: &AgreementRefusal) -> Self {
        match refusal {
            AgreementRefusal::Terms(Flaw { member, must }) => {
                Self::field(format!("terms.{member}"), *must)
            }
            AgreementRefusal::NoSuchPartner => {
                Self::field("partner", t("there is no such partner"))
            }
            refusal => Self::agreement(refusal),
        }
    }

    /// Why nothing was done with an agreement.
    pub fn agreement(refusal: &AgreementRefusal) -> Self {
        let state = |detail: String, word: &str| {
            Self::new(&kind::AGREEMENT_STATE, detail).with("state", word)
        };
        match refusal {
            AgreementRefusal::NoSuchPartner | AgreementRefusal::NoSuchAgreement => {
                Self::not_found()
            }
            AgreementRefusal::State(word) => state(
                format!("the agreement is {word}, or not such as this can be done with"),
                word.as_str(),
            ),
            AgreementRefusal::ProposalOpen => state(
                "a proposal to this partner is open: withdraw it first".to_owned(),
                "proposed",
            ),
            AgreementRefusal::Waits => {
                let detail = "an agreement with this partner is accepted, and waits for its day";
                state(detail.to_owned(), "accepted")
            }
            AgreementRefusal::Stale => Self::busy(t("too much at once: ask again")),
            refusal => Self::agreed(refusal),
        }
    }

    /// Why a partner is not agreed with: what it is told, by a stable word.
    pub fn agreed(refusal: &AgreementRefusal) -> Self {
        let refused = |reason: &str, detail: String| {
            Self::new(&kind::AGREEMENT_REFUSED, detail).with("reason", reason)
        };
        match refusal {
            AgreementRefusal::NoSuchPartner => Self::signature_refused(),
            AgreementRefusal::Stale => Self::busy(t("too much at once: ask again")),
            AgreementRefusal::NoSuchAgreement => {
                refused("unknown", "no such agreement is known here".to_owned())
            }
            AgreementRefusal::Terms(Flaw { member, must }) => {
                let detail =
                    format!("the terms are not such as can be agreed to here: {member}: {must}");
                refused("terms", detail).with_error(format!("terms.{member}"), "refused", *must)
            }
            AgreementRefusal::State(state) => {
                refused("state", format!("the agreement is {state} here"))
            }
            AgreementRefusal::ProposalOpen => refused("state", "a proposal is open".to_owned()),
            AgreementRefusal::Waits => {
                refused("waits", "another agreement is accepted, and waits for its day".to_owned())
            }
            AgreementRefusal::Version => {
                let detail = "a later agreement is known here, or one of the same number";
                refused("version", detail.to_owned())
            }
            AgreementRefusal::Notice => {
                let detail = "it would hold sooner than after the days of notice, or too late";
                refused("notice", detail.to_owned())
            }
            AgreementRefusal::Unbelievable(why) => {
                tracing::warn!(security = true, why, "a partner's document is not believed");
                let detail = "the document is not signed by this partner for this server";
                refused("signature", detail.to_owned())
            }
        }
    }
}

impl From<PartnerRefusal> for Problem {
    fn from(refusal: PartnerRefusal) -> Self {
        match refusal {
            PartnerRefusal::NoSuchPartner => Self::not_found(),
            PartnerRefusal::Taken => {
                let detail = "a partner with this address was entered";
                Self::new(&kind::PARTNER_TAKEN, detail).with_error("url", "taken", detail)
            }
            PartnerRefusal::Wrong(wrong) => wrong.into(),
        }
    }
}

impl From<LinkRefusal> for Problem {
    fn from(refusal: LinkRefusal) -> Self {
        match refusal {
            LinkRefusal::NoSuchPartner => Self::not_found(),
            LinkRefusal::Suspended => Self::partner_suspended(),
            LinkRefusal::Linked => {
                let detail = t("an account at this partner is linked: cut that link first");
                Self::new(&kind::ALREADY_LINKED, detail)
            }
            LinkRefusal::NotLinked => {
                Self::new(&kind::NOT_LINKED, t("no account at this partner is linked"))
            }
            LinkRefusal::CodeRefused => {
                let detail = t(
                    "the code is wrong, was used, is too old, or of another account here: begin again",
                );
                Self::new(&kind::NOT_LINKED, detail)
            }
            LinkRefusal::PartnerRefused(code) => {
                Self::new(&kind::PARTNER_REFUSED, t("the partner does not link an account now"))
                    .with("reason", code)
            }
        }
    }
}

impl From<LinkRequestRefusal> for Problem {
    fn from(refusal: LinkRequestRefusal) -> Self {
        match refusal {
            LinkRequestRefusal::NoSuchRequest => Self::not_found(),
            LinkRequestRefusal::Over => {
                let detail = t(
                    "this has waited too long, or was decided otherwise: begin again where you came from",
                );
                Self::new(&kind::REQUEST_STATE, detail)
            }
            LinkRequestRefusal::Link => Self::field("link", "a link's name: lnk_06bq3v8k2m9zc"),
            LinkRequestRefusal::ReturnUrl => {
                Self::field("return_url", "not at the partner's own address")
            }
            LinkRequestRefusal::Suspended => Self::partner_suspended(),
        }
    }
}

impl Problem {
    /// Nothing is exchanged with a partner at the moment.
    pub fn partner_suspended() -> Self {
        Self::new(
            &kind::PARTNER_SUSPENDED,
            t("nothing is exchanged with this vendor at the moment"),
        )
    }
}
