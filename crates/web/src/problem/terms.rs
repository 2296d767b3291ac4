//! Problems of licenses that change, and of what is bought for them; and of texts that are published.

use crate::language::{t, text};
use scrip_engine::legal::LegalRefusal;
use scrip_engine::license::suspend::LicenseRefusal;
use scrip_engine::purchase::PurchaseRefusal;

use super::{Problem, kind};

impl Problem {
    /// Why a line's terms are not sold to this account.
    pub(super) fn terms_refused(refusal: &PurchaseRefusal) -> Self {
        match refusal {
            PurchaseRefusal::TrialUsed(line) => {
                let detail = t("you have tried this already: there is one trial of a product");
                let field = format!("lines[{line}].offer");
                Self::new(&kind::TRIAL_USED, detail).with_error(
                    field,
                    "trial_used",
                    t("tried before"),
                )
            }
            PurchaseRefusal::NoSuchLicense(line) => {
                let field = format!("lines[{line}].license");
                Self::not_found().with_error(field, "not_found", t("no license of yours"))
            }
            PurchaseRefusal::NotExtendable { line, why } => {
                let detail = text!("this license cannot be extended by this offer: {why}", why);
                Self::new(&kind::NOT_EXTENDABLE, detail).with("reason", why).with_error(
                    format!("lines[{line}].license"),
                    "not_extendable",
                    why.as_str(),
                )
            }
            _ => Self::field("lines", t("with what is in bundles at most 50 lines and 100 units")),
        }
    }
}

impl From<LegalRefusal> for Problem {
    fn from(refusal: LegalRefusal) -> Self {
        match refusal {
            LegalRefusal::Wrong(wrong) => Self::field(wrong.field, wrong.must),
            LegalRefusal::VersionTaken => {
                let detail = "another text was published as this version: choose another";
                let problem = Self::new(&kind::VERSION_TAKEN, detail);
                problem.with_error("version", "version_taken", "another text has this version")
            }
        }
    }
}

impl From<LicenseRefusal> for Problem {
    fn from(refusal: LicenseRefusal) -> Self {
        match refusal {
            LicenseRefusal::NoSuchLicense => Self::not_found(),
            LicenseRefusal::NotFrom(state) => {
                Self::new(&kind::LICENSE_STATE, text!("the license is {state}", state))
                    .with("state", state)
            }
            LicenseRefusal::TooManyIssues => {
                let detail = t("the code was issued as often as can be counted");
                Self::new(&kind::LICENSE_STATE, detail).with("state", "valid")
            }
            LicenseRefusal::KeyReused => Self::key_reused(),
        }
    }
}
