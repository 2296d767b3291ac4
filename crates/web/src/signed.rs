//! Requests of other servers: signed (RFC 9421), and read with patience for what a later version may add.
//!
//! A member of the body that is not known is ignored, unless the body names it in `crit`, a list of members that
//! must not be ignored. What else is wrong with a body is told as to anybody; what is wrong with a signature is not
//! told, but stands in the log.

mod known;

use axum::extract::{FromRequest, Request};
use http::request::Parts;
use scrip_domain::partner::Partner;
use scrip_domain::request::Request as IdempotentRequest;
use scrip_engine::peer::PeerRefusal;
use scrip_signature::{Claim, Message, Proof, Refusal};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::App;
use crate::extract::{self, Asked, IdempotencyKey, MaxBody};
use crate::problem::{Problem, kind};
use crate::restoring;

/// The largest body: one signed document of the largest size, and its wrapping.
const LONGEST: usize = 128 * 1024;

/// A request without a body, signed by a server that this one deals with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The address of the server.
    pub issuer: String,
    /// The name of its key.
    pub kid: String,
    /// What made the request this one.
    pub nonce: String,
}

/// A request with a JSON body, signed by a server that this one deals with.
#[derive(Debug)]
pub struct SignedBody<T> {
    /// Who asks.
    pub by: Signed,
    /// The body.
    pub value: T,
    asked: Asked,
}

impl<T> SignedBody<T> {
    /// The request as its idempotency key names it, among those of its issuer.
    pub fn request(&self, key: &IdempotencyKey) -> IdempotentRequest {
        self.asked.request(key)
    }
}

impl FromRequest<App> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = whole(request).await?;
        proven(app, &parts, &body).await
    }
}

impl<T: DeserializeOwned> FromRequest<App> for SignedBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = whole(request).await?;
        let by = proven(app, &parts, &body).await?;
        let asked = Asked::of(&parts, &body)?;
        let json = &asked.json.0;
        let value = extract::read(&asked.json)?;
        is_understood::<T>(json)?;
        Ok(Self { by, value, asked })
    }
}

/// A request without a body, of a partner that an administrator has entered. What a merchant signs is none.
#[derive(Clone, Debug)]
pub struct OfPartner(pub Partner);

/// The same, with a JSON body.
#[derive(Debug)]
pub struct PartnerBody<T> {
    /// Who asks.
    pub partner: Partner,
    /// The body.
    pub value: T,
}

impl FromRequest<App> for OfPartner {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let by = Signed::from_request(request, app).await?;
        partner(app, &by).await.map(Self)
    }
}

impl<T: DeserializeOwned + Send> FromRequest<App> for PartnerBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let SignedBody { by, value, .. } = SignedBody::from_request(request, app).await?;
        Ok(Self { partner: partner(app, &by).await?, value })
    }
}

async fn partner(app: &App, by: &Signed) -> Result<Partner, Problem> {
    app.engine.partner_at(&by.issuer).await?.ok_or_else(Problem::signature_refused)
}

async fn whole(request: Request) -> Result<(Parts, bytes::Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let MaxBody(most) = parts.extensions.get().copied().unwrap_or_default();
    let body = extract::whole(body, most.max(LONGEST)).await?;
    Ok((parts, body))
}

/// Who signed the request. A nonce is noted last, so that only who can sign uses any up.
async fn proven(app: &App, parts: &Parts, body: &[u8]) -> Result<Signed, Problem> {
    if restoring::waits(app, parts.uri.path()) {
        return Err(Problem::restoring());
    }
    // The address is this server's own, whatever the request says of its host.
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let target = format!("{}{path}", app.public_url);
    let message = Message { method: &parts.method, target: &target, headers: &parts.headers };
    let now = app.engine.now().seconds();
    let claim = Claim::read(&message, body, now).map_err(|refusal| refused("", &refusal))?;
    let issuer = claim.issuer().to_owned();
    let key = app.engine.peer_key(&issuer, claim.kid()).await?;
    let key = key.map_err(|refusal| unheard(&issuer, &refusal))?;
    let proof = claim.proven_by(&key).map_err(|refusal: Refusal| refused(&issuer, &refusal))?;
    app.engine.hear(&issuer, &proof.nonce).map_err(|refusal| unheard(&issuer, &refusal))?;
    let Proof { issuer, kid, nonce, .. } = proof;
    Ok(Signed { issuer, kid, nonce })
}

fn unheard(issuer: &str, refusal: &PeerRefusal) -> Problem {
    match refusal {
        PeerRefusal::Unreachable(_) | PeerRefusal::TooMany => {
            tracing::warn!(%refusal, issuer, "a request of another server waits");
            Problem::busy("the request could not be verified now: ask again")
        }
        PeerRefusal::Stranger | PeerRefusal::UnknownKey | PeerRefusal::Replayed => {
            refused(issuer, refusal)
        }
    }
}

/// A security event: somebody tried to speak for a server, or two servers do not agree on clock, keys or addresses.
fn refused(issuer: &str, why: &dyn std::fmt::Display) -> Problem {
    let issuer: String = issuer.chars().take(200).collect();
    tracing::warn!(security = true, ?issuer, %why, "a signed request is refused");
    Problem::signature_refused()
}

/// Whether the members that must not be ignored are all known to `T`.
fn is_understood<T: DeserializeOwned>(body: &Value) -> Result<(), Problem> {
    let Some(critical) = body.get("crit") else { return Ok(()) };
    let names = critical.as_array().filter(|names| !names.is_empty());
    let names = names.and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    let names = names.ok_or_else(|| Problem::field("crit", "a list of names"))?;
    let known = known::members::<T>();
    match names.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let detail = format!("{name} must not be ignored, and is not known here");
            Err(Problem::new(&kind::UNKNOWN_FIELD, detail.clone())
                .with_error(name, "unknown", detail))
        }
    }
}
