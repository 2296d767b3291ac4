//! Authorization codes: what a license row looks like in the buyer's hand.
//!
//! Nothing of a code is stored but the key, the issue number and the time: signing again gives the
//! same code, and the short form is recomputed. Both forms find the same row, and the row decides.

use std::sync::Arc;

use scrip_domain::catalog::Release;
use scrip_domain::license::{License, LicenseState};
use scrip_domain::time::Span;
use scrip_domain::{Id, Timestamp};
use scrip_license::{Activation, Claims, Reason, ShortCode, jws};
use scrip_storage::Fault;

use crate::Engine;
use crate::keys::mac;
use crate::memory::Released;

/// Both forms of a license's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The compact JWS.
    pub jws: String,
    /// The form for typing.
    pub short: String,
}

/// Buyers' clocks run a little slow: a code counts from this long before it was issued.
const SLACK: Span = Span::minutes(5);

/// Whether a license is in force at `at`.
pub fn state_at(license: &License, at: Timestamp) -> Reason {
    match license.state {
        // Its code is nobody's yet: there is none.
        LicenseState::Withheld => Reason::UnknownCode,
        LicenseState::Revoked => Reason::Revoked,
        LicenseState::Refunded => Reason::Refunded,
        LicenseState::Suspended => Reason::Suspended,
        LicenseState::Valid if license.expires_at.is_some_and(|end| end <= at) => Reason::Expired,
        LicenseState::Valid => Reason::Valid,
    }
}

impl Engine {
    /// The code of a license, in both forms.
    pub async fn code(&self, license: &License) -> Result<Code, Fault> {
        let vendor = self.vendor().await?;
        let unknown = || Fault::Bug("the key that signed a license is missing".into());
        let keys = self.keys();
        let key = keys.license_key(&license.kid).ok_or_else(unknown)?;
        let manifest = match license.release {
            Some(release) => self.released(release).await?.manifest,
            None => None,
        };
        let id = license.id.to_string();
        let claims = Claims {
            issuer: vendor.id.to_string(),
            subject: self.pairwise(license),
            id: Claims::issue_id(&id, license.issue),
            license: id,
            issued_at: license.issued_at.unix_seconds(),
            not_before: license.issued_at.minus(SLACK).unix_seconds(),
            expires_at: license.expires_at.map(Timestamp::unix_seconds),
            order: license.order.to_string(),
            product: license.product.to_string(),
            offer: license.offer.to_string(),
            terms: license.terms,
            limits: license.limits,
            manifest,
            activation: license.terms.start_with_activation().then_some(Activation::Required),
        };
        let jws = claims.sign(key).map_err(|error| Fault::Bug(error.to_string()))?;
        let short = ShortCode::encode(keys.code_secret(), license.id.number(), license.issue);
        Ok(Code { jws, short: short.to_string() })
    }

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
            // A wrong code and an unknown license look the same.
            Some(_) | None => Err(Reason::UnknownCode),
        })
    }

    /// The buyer as this vendor's software knows it: a name that leads to no account.
    fn pairwise(&self, license: &License) -> String {
        let tag = mac(self.keys().seal_secret(), format!("subject {}", license.account).as_bytes());
        tag.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is known of a release that was sold.
    pub async fn released(&self, release: Id<Release>) -> Result<Arc<Released>, Fault> {
        if let Some(released) = self.memory.released(release) {
            return Ok(released);
        }
        self.released_anew(release).await
    }

    /// The same as it stands in the books now, remembered from now on.
    pub(crate) async fn released_anew(&self, release: Id<Release>) -> Result<Arc<Released>, Fault> {
        let row = self.store.release(release).await?;
        let lost = || Fault::Bug("a license is for a release that is not there".into());
        let manifest = row.ok_or_else(lost)?.manifest.parse().ok();
        let files = self.store.files_of(release).await?;
        let released = Arc::new(Released { manifest, files });
        self.memory.remember_released(release, released.clone());
        Ok(released)
    }
}
