//! Whether a code is good, as the server knows it.
//!
//! Nothing is written. The first that applies is the answer:
//! ```text
//! not ours, not genuine ...... UNKNOWN_CODE, BAD_SIGNATURE    time is over ......... EXPIRED
//! a newer code was issued .... SUPERSEDED                     another product's .... WRONG_PRODUCT
//! ended, or stopped .......... REVOKED, REFUNDED, SUSPENDED   otherwise ............ VALID
//! ```

use scrip_domain::Id;
use scrip_domain::license::{License, LicenseState};
use scrip_license::{Claims, Reason, ShortCode, jws};
use scrip_storage::Fault;

use super::state_at;
use crate::Engine;

/// How many former codes of a license are known for such. A license is seldom issued again even once.
const FORMER: usize = 100;

impl Engine {
    /// The license that a code in either form stands for, and whether it is valid.
    ///
    /// The license comes only with a code that is genuine.
    pub async fn validate(&self, code: &str) -> Result<(Reason, Option<License>), Fault> {
        let found =
            if code.contains('.') { self.by_jws(code).await? } else { self.by_short(code).await? };
        let license = match found {
            Ok(license) if license.state == LicenseState::Withheld => {
                return Ok((Reason::UnknownCode, None));
            }
            Ok(license) => license,
            Err(reason) => return Ok((reason, None)),
        };
        let reason = self.state_of(&license);
        Ok((reason, Some(license)))
    }

    /// Whether a license is in force now.
    pub fn state_of(&self, license: &License) -> Reason {
        state_at(license, self.now())
    }

    async fn by_jws(&self, code: &str) -> Result<Result<License, Reason>, Fault> {
        let claims: Claims = match jws::verify(code, Claims::TYP, self.keys().public()) {
            Ok(claims) => claims,
            Err(jws::VerifyError::Signature | jws::VerifyError::UnknownKey) => {
                return Ok(Err(Reason::BadSignature));
            }
            Err(_) => return Ok(Err(Reason::UnknownCode)),
        };
        let Ok(id) = claims.license.parse::<Id<License>>() else {
            return Ok(Err(Reason::UnknownCode));
        };
        let license = self.store.license(id).await?;
        Ok(match license {
            Some(license) if claims.issue() == Some(license.issue) => Ok(license),
            Some(_) => Err(Reason::Superseded),
            None => Err(Reason::UnknownCode),
        })
    }

    async fn by_short(&self, code: &str) -> Result<Result<License, Reason>, Fault> {
        let Ok(code) = ShortCode::parse(code) else { return Ok(Err(Reason::UnknownCode)) };
        let Some(id) = Id::new(code.license()) else { return Ok(Err(Reason::UnknownCode)) };
        // A wrong code and an unknown license look the same.
        let Some(license) = self.store.license(id).await? else {
            return Ok(Err(Reason::UnknownCode));
        };
        let keys = self.keys();
        let matches = |issue: u32| code.matches(keys.code_secret(), issue);
        if matches(license.issue) {
            return Ok(Ok(license));
        }
        let was_one = (1..license.issue).rev().take(FORMER).any(matches);
        Ok(Err(if was_one { Reason::Superseded } else { Reason::UnknownCode }))
    }
}
