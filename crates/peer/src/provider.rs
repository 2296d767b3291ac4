//! A merchant's provider.

use std::sync::Arc;

use futures_util::FutureExt;
use http::Method;
use scrip_domain::{Amount, Timestamp};
use scrip_engine::mail::Posted;
use scrip_engine::mail::forward::Forwarded;
use scrip_engine::peer::{PeerError, PeerKeys};
use scrip_engine::provider::{
    Accepted, Asked, Earned, Moved, Opened, Picture, Provider, Returned, Standing,
};
use serde_json::{Value, json};

use crate::Line;
use crate::document::{claims, named};
use crate::line::Question;
use crate::shape::{
    AcceptedIn, EarnedIn, EventsIn, MovedIn, OpenedIn, PictureIn, PostedIn, ReturnedIn, Shape,
    StandingIn,
};

/// A provider that is asked by signed HTTP.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    url: String,
    line: Line,
    letters: Line,
    keys: Arc<PeerKeys>,
}

impl HttpProvider {
    /// The provider at `url`, asked through `line`; what it has signed is read with its keys among `keys`.
    pub fn new(url: &str, line: Line, keys: Arc<PeerKeys>) -> Self {
        Self { url: url.to_owned(), letters: line.clone(), line, keys }
    }

    /// Letters go through `line`, which waits while the provider's mail server makes up its mind.
    #[must_use]
    pub fn with_letters_through(self, line: Line) -> Self {
        Self { letters: line, ..self }
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
        self.line.hear::<T>(question).await
    }

    /// One verb on a request.
    async fn on(&self, request: &str, verb: &str, body: Value) -> Result<Picture, PeerError> {
        let path = format!("{}/{verb}", path_of(request)?);
        self.ask::<PictureIn>(&path, None, Some(body)).await
    }
}

/// Where a request is. Its name comes from the provider, and must not lead anywhere else.
fn path_of(request: &str) -> Result<String, PeerError> {
    Ok(format!("/v1/purchase-requests/{}", named(request)?))
}

impl Provider for HttpProvider {
    fn url(&self) -> &str {
        &self.url
    }

    fn accept<'a>(&'a self, invitation: &'a str) -> Asked<'a, Accepted> {
        let body = json!({ "invitation": invitation });
        self.ask::<AcceptedIn>("/v1/merchant/invitation", None, Some(body)).boxed()
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

    fn forward<'a>(&'a self, subject: &'a str, letter: &'a Forwarded) -> Asked<'a, Posted> {
        async move {
            let Forwarded { name, subject: line, text } = letter;
            let url = format!("{}/v1/subjects/{}/letters", self.url, named(subject)?);
            let body = Some(json!({ "name": name, "subject": line, "text": text }));
            let question = Question { method: Method::POST, url, idempotency: None, body };
            self.letters.hear::<PostedIn>(question).await
        }
        .boxed()
    }

    fn balance(&self) -> Asked<'_, Earned> {
        self.ask::<EarnedIn>("/v1/merchant/balance", None, None).boxed()
    }

    fn statement(&self) -> Asked<'_, Vec<Moved>> {
        self.ask::<MovedIn>("/v1/merchant/transfers?limit=50", None, None).boxed()
    }

    fn read<'a>(&'a self, typ: &'a str, document: &'a str) -> Asked<'a, Value> {
        claims(&self.keys, self.line.pen(), &self.url, typ, document).boxed()
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
}
