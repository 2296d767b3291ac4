//! What is said where something is not done with a license.

use crate::language::{t, text};
use scrip_engine::license::Refused;
use scrip_engine::license::deactivate::DeactivateRefusal;

use super::{Problem, kind};

impl Problem {
    /// A program's key, or a lease, stands for something else.
    pub fn stands_for_another(field: &str, detail: &str) -> Self {
        Self::new(&kind::IDEMPOTENCY_KEY_REUSED, detail).with_error(field, "invalid", detail)
    }

    /// Why something was not done with a license, to its holder or to staff.
    pub fn license_refused(refused: &Refused) -> Self {
        let Refused { reason, can_move_at, .. } = refused;
        let problem = Self::new(&kind::LICENSE_REFUSED, text!("not done: {reason}", reason));
        let problem = problem.with("license_code", reason.as_str());
        match can_move_at {
            Some(at) => problem.with("can_move_at", at),
            None => problem,
        }
    }
}

impl From<DeactivateRefusal> for Problem {
    fn from(refusal: DeactivateRefusal) -> Self {
        match refusal {
            DeactivateRefusal::NoSuchMachine => {
                let detail = t("this license has no such machine");
                Self::not_found().with_error("activation", "invalid", detail)
            }
            DeactivateRefusal::Refused(refused) => Self::license_refused(&refused),
        }
    }
}
