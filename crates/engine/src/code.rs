//! Authorization codes: what a license row looks like in the buyer's hand.
//!
//! Nothing of a code is stored but the key, the issue number and the time: signing again gives the
//! same code, and the short form is recomputed. Both forms find the same row, and the row decides.

use std::sync::Arc;

use scrip_domain::catalog::Release;
use scrip_domain::license::License;
use scrip_domain::time::Span;
use scrip_domain::{Id, Timestamp};
use scrip_license::{Activation, Claims, ShortCode};
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

    /// The buyer as this vendor's software knows it: a name that leads to no account.
    fn pairwise(&self, license: &License) -> String {
        let tag = mac(self.keys().seal_secret(), format!("subject {}", license.account).as_bytes());
        let mut name = base16ct::lower::encode_string(&tag);
        name.truncate(32);
        name
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
