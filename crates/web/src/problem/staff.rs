//! Problems of the vendor's staff, and of second factors.

use scrip_engine::factor::FactorRefusal;
use scrip_engine::factor::buyer::OwnerRefusal;
use scrip_engine::password::PasswordRefusal;
use scrip_engine::staff::StaffRefusal;

use super::{Problem, kind};
use crate::language::t;

impl From<StaffRefusal> for Problem {
    fn from(refusal: StaffRefusal) -> Self {
        match refusal {
            StaffRefusal::EmailTaken => {
                let detail = "somebody of the staff has this address";
                Self::new(&kind::EMAIL_TAKEN, detail).with_error("email", "taken", detail)
            }
            StaffRefusal::Wrong(wrong) => wrong.into(),
            StaffRefusal::NoSuchMember => Self::not_found(),
            StaffRefusal::LastOwner => Self::new(
                &kind::LAST_OWNER,
                "this is the last owner: another one must have joined first",
            ),
            StaffRefusal::NoInvitation => Self::new(
                &kind::NOT_FOUND,
                "this invitation was taken, or has lapsed: ask an owner for a new one",
            ),
            StaffRefusal::WrongPassword => Self::field("old", "this is not your password"),
            StaffRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<FactorRefusal> for Problem {
    fn from(refusal: FactorRefusal) -> Self {
        match refusal {
            FactorRefusal::WrongCode => {
                Self::field("code", t("this code is wrong, or was used: wait for the next one"))
            }
            FactorRefusal::NotNow => {
                Self::new(&kind::NOT_FOUND, t("this was done already: look again"))
            }
            FactorRefusal::RateLimited(wait) => Self::rate_limited(wait.0),
        }
    }
}

impl From<OwnerRefusal> for Problem {
    fn from(refusal: OwnerRefusal) -> Self {
        match refusal {
            OwnerRefusal::Password(PasswordRefusal::RateLimited(wait)) => {
                Self::rate_limited(wait.0)
            }
            OwnerRefusal::Password(_) => Self::field("password", t("this is not your password")),
            OwnerRefusal::Factor(refusal) => refusal.into(),
        }
    }
}
