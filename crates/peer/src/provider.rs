//! A merchant's provider.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use futures_util::FutureExt;
use http::Method;
use scrip_domain::document::MAX_LENGTH;
use scrip_domain::{Amount, Timestamp};
use scrip_engine::peer::PeerError;
use scrip_engine::peer::{PeerKeys, PeerRefusal};
use scrip_engine::provider::{Asked, Opened, Picture, Provider, Returned, Standing};
use scrip_https::Unanswered;
use scrip_license::{KeySet, jws};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Line;
use crate::line::Question;
use crate::shape::{self, EventsIn, OpenedIn, PictureIn, ReturnedIn, Shape, StandingIn};

/// A provider that is asked by signed HTTP.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    url: String,
    line: Line,
    keys: Arc<PeerKeys>,
}

impl HttpProvider {
    /// The provider at `url`, asked through `line`; what it has signed is read with its keys among `keys`.
    pub fn new(url: &str, line: Line, keys: Arc<PeerKeys>) -> Self {
        Self { url: url.to_owned(), line, keys }
    }

    async fn ask<T: Shape>(
        &self,
        path: &str,
        idempotency: Option<&str>,
        body: Option<Value>,
    ) -> Result<T::Of, PeerError> {
        let question = Question {
            method: if body.is_some() { Method::POST } else { Method::GET },
            url: format!("{}{path}", self.url),
            idempotency: idempotency.map(str::to_owned),
            body,
        };
        let answer = self.line.ask(question).await;
        let answer = answer.map_err(|Unanswered(why)| PeerError::Unanswered(why))?;
        shape::read::<T>(answer.status(), answer.body())
    }

    /// One verb on a request.
    async fn on(&self, request: &str, verb: &str, body: Value) -> Result<Picture, PeerError> {
        let path = format!("{}/{verb}", path_of(request)?);
        self.ask::<PictureIn>(&path, None, Some(body)).await
    }

    async fn claims(&self, typ: &str, document: &str) -> Result<Value, PeerError> {
        let unbelievable = |why: &dyn ToString| PeerError::Unbelievable(why.to_string());
        let kid = kid_of(document).ok_or_else(|| unbelievable(&"a document that names no key"))?;
        let key = self.keys.key(&self.url, &kid, self.line.pen().now()).await;
        let key = key.map_err(|refusal| match refusal {
            PeerRefusal::Unreachable(why) => PeerError::Unanswered(why),
            refusal => unbelievable(&refusal),
        })?;
        let keys: KeySet = [key].into_iter().collect();
        jws::verify_within(MAX_LENGTH, document, typ, &keys).map_err(|error| unbelievable(&error))
    }
}

/// Where a request is. Its name comes from the provider, and must not lead anywhere else.
fn path_of(request: &str) -> Result<String, PeerError> {
    Ok(format!("/v1/purchase-requests/{}", named(request)?))
}

fn named(name: &str) -> Result<&str, PeerError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.len() <= 100 && name.bytes().all(is_name) {
        return Ok(name);
    }
    Err(PeerError::Unbelievable("a name that is none".to_owned()))
}

/// The name of the key that a document says it was signed with.
fn kid_of(document: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Header {
        kid: String,
    }
    let (header, _) = document.split_once('.').filter(|(header, _)| header.len() <= 400)?;
    let header = Base64UrlUnpadded::decode_vec(header).ok()?;
    serde_json::from_slice::<Header>(&header).ok().map(|header| header.kid)
}

impl Provider for HttpProvider {
    fn url(&self) -> &str {
        &self.url
    }

    fn open<'a>(&'a self, order: &'a str, offer: &'a str) -> Asked<'a, Opened> {
        let body = json!({ "offer": offer });
        self.ask::<OpenedIn>("/v1/purchase-requests", Some(order), Some(body)).boxed()
    }

    fn request<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        async move { self.ask::<PictureIn>(&path_of(request)?, None, None).await }.boxed()
    }

    fn capture<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.on(request, "capture", json!({})).boxed()
    }

    fn fulfilled<'a>(&'a self, request: &'a str, codes: &'a str) -> Asked<'a, Picture> {
        self.on(request, "fulfilled", json!({ "codes": codes })).boxed()
    }

    fn cancel<'a>(&'a self, request: &'a str) -> Asked<'a, Picture> {
        self.on(request, "cancel", json!({})).boxed()
    }

    fn refund<'a>(
        &'a self,
        request: &'a str,
        refund: &'a str,
        amount: Amount,
        reason: &'a str,
    ) -> Asked<'a, Picture> {
        async move {
            let path = format!("{}/refunds", path_of(request)?);
            let body = json!({ "amount": amount, "reason": reason });
            self.ask::<PictureIn>(&path, Some(refund), Some(body)).await
        }
        .boxed()
    }

    fn connect<'a>(&'a self, connection: &'a str, return_url: &'a str) -> Asked<'a, Opened> {
        let body = json!({ "return_url": return_url });
        self.ask::<OpenedIn>("/v1/connection-requests", Some(connection), Some(body)).boxed()
    }

    fn events(&self, since: Timestamp, after: u64) -> Asked<'_, Vec<(u64, Option<String>)>> {
        async move {
            let path = format!("/v1/merchant/events?since={since}&after={after}&limit=100");
            self.ask::<EventsIn>(&path, None, None).await
        }
        .boxed()
    }

    fn redeem<'a>(&'a self, return_code: &'a str) -> Asked<'a, Returned> {
        self.ask::<ReturnedIn>("/v1/return-codes", None, Some(json!({ "code": return_code })))
            .boxed()
    }

    fn standing<'a>(&'a self, subject: &'a str) -> Asked<'a, Standing> {
        async move {
            let path = format!("/v1/subjects/{}", named(subject)?);
            self.ask::<StandingIn>(&path, None, None).await
        }
        .boxed()
    }

    fn read<'a>(&'a self, typ: &'a str, document: &'a str) -> Asked<'a, Value> {
        self.claims(typ, document).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert_eq!(path_of("req_0a-Z").unwrap(), "/v1/purchase-requests/req_0a-Z");
        for bad in ["", "../merchant", "a/b", "a?b", "a#b", "a b", "%2e", &"a".repeat(101)] {
            assert!(matches!(path_of(bad), Err(PeerError::Unbelievable(_))), "{bad}");
        }
    }

    #[test]
    fn a_document_names_its_key_or_is_none() {
        let header =
            |json: &str| format!("{}.e30.", Base64UrlUnpadded::encode_string(json.as_bytes()));
        let good = header(r#"{"alg":"EdDSA","kid":"k1","typ":"scrip-receipt+jwt"}"#);
        assert_eq!(kid_of(&good).as_deref(), Some("k1"));
        let long = header(&format!(r#"{{"kid":"{}"}}"#, "k".repeat(400)));
        for bad in ["", "e30", "e30.e30.", "*.e30.", &header(r#"{"kid":1}"#), &long] {
            assert_eq!(kid_of(bad), None, "{bad}");
        }
    }
}
