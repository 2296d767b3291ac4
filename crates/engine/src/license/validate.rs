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
        let license = self.store.license(id).await?;
        Ok(match license {
            Some(license) if code.matches(self.keys().code_secret(), license.issue) => Ok(license),
            // Only whoever had one knows a former one.
            Some(license) if was_issued(&code, self.keys().code_secret(), license.issue) => {
                Err(Reason::Superseded)
            }
            // A wrong code and an unknown license look the same.
            Some(_) | None => Err(Reason::UnknownCode),
        })
    }
}

/// Of how many issues before the one that is good short codes are known still.
const FORMER: usize = 64;

/// Whether it is the short code of an issue before this one.
fn was_issued(code: &ShortCode, secret: &[u8; 32], issue: u32) -> bool {
    (1..issue).rev().take(FORMER).any(|former| code.matches(secret, former))
}
