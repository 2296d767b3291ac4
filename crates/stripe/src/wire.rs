//! One call to Stripe: a form goes, JSON comes back, or nobody knows. Nothing is repeated here.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use scrip_domain::Span;
use scrip_engine::processor::{PaymentName, ProcessorError};
use scrip_https::{Https, Unanswered};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Settings, SetupError};

/// The version of Stripe's API that the shapes were written for; an account's own default may be any.
const VERSION: &str = "2025-03-31.basil";

/// A page of a hundred payments with all that hangs from them is a tenth of this.
const MAX_ANSWER: usize = 4 << 20;

/// The way to Stripe.
pub struct Wire {
    https: Https,
    base: String,
    authorization: HeaderValue,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A success.
pub struct Posted<T> {
    pub answer: T,
    /// Whether it is the first answer once more, from Stripe's memory of the idempotency key.
    pub replayed: bool,
}

/// No success.
#[derive(Debug)]
pub struct Failure {
    error: ProcessorError,
    /// The payment that is not as the call would have it.
    payment: Option<PaymentName>,
}

impl Failure {
    /// The payment to ask about, where the refusal is one of its state, and not of the call.
    pub fn payment(&self) -> Option<PaymentName> {
        self.payment.clone()
    }
}

impl From<Failure> for ProcessorError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<ProcessorError> for Failure {
    fn from(error: ProcessorError) -> Self {
        Self { error, payment: None }
    }
}

impl Wire {
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        let key = settings.secret_key.reveal();
        if !key.starts_with("sk_") && !key.starts_with("rk_") {
            return Err(SetupError::SecretKey);
        }
        let bearer = HeaderValue::try_from(format!("Bearer {key}"));
        let mut authorization = bearer.map_err(|_| SetupError::SecretKey)?;
        authorization.set_sensitive(true);
        let base = settings.api_base.trim_end_matches('/').to_owned();
        if !is_plain(&base) {
            return Err(SetupError::Address);
        }
        let https = Https::to(&base, settings.patience, MAX_ANSWER)?;
        Ok(Self { https, base, authorization })
    }

    /// Asks.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
    ) -> Result<T, ProcessorError> {
        let request = Request::get(format!("{}{path}?{}", self.base, form.0));
        Ok(self.send(request, Bytes::new()).await?.answer)
    }

    /// Does, once for each `key`.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Form,
        key: Option<&str>,
    ) -> Result<Posted<T>, Failure> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request, Bytes::from(form.0.clone())).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Posted<T>, Failure> {
        let request = request
            .header(AUTHORIZATION, &self.authorization)
            .header("stripe-version", VERSION)
            .body(Full::new(body))
            .map_err(|error| ProcessorError::refused("malformed", error.to_string()))?;
        let answer = self.https.send(request).await;
        let (head, body) = answer.map_err(|Unanswered(why)| ProcessorError::unanswered(why))?;
        if !head.status.is_success() {
            return Err(refusal(head.status, &head.headers, &body));
        }
        let answer = serde_json::from_slice(&body).map_err(|error| {
            ProcessorError::unanswered(format!("a success that is none: {error}"))
        })?;
        let replayed = head.headers.get("idempotent-replayed").is_some_and(|value| value == "true");
        Ok(Posted { answer, replayed })
    }
}

/// The address by itself: paths are ours.
fn is_plain(base: &str) -> bool {
    base.parse().is_ok_and(|uri: Uri| uri.path() == "/" && uri.query().is_none())
}

/// What a status that is no success means. Stripe refuses with 4xx and JSON; everything else is from
/// somebody in between, or from a Stripe that does not know itself.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];
    let error = serde_json::from_slice::<Refused>(body).map(|refused| refused.error);
    let (true, false, Ok(error)) = (status.is_client_error(), busy.contains(&status), error) else {
        let why = format!("status {}", status.as_u16());
        return ProcessorError::Unanswered { why, retry_after: retry_after(headers) }.into();
    };
    let code = error.code.or(error.kind).unwrap_or_else(|| status.as_u16().to_string());
    let of_the_payment =
        status == StatusCode::PAYMENT_REQUIRED || code == "payment_intent_unexpected_state";
    let payment = error.payment_intent.filter(|_| of_the_payment);
    let request = headers.get("request-id").and_then(|id| id.to_str().ok());
    let message = match (error.message, request) {
        (Some(message), Some(request)) => format!("{message} [{request}]"),
        (message, _) => message.unwrap_or_default(),
    };
    Failure {
        error: ProcessorError::refused(code, message),
        payment: payment.and_then(|payment| PaymentName::new(payment.id)),
    }
}

#[derive(Deserialize)]
struct Refused {
    error: RefusedError,
}

#[derive(Deserialize)]
struct RefusedError {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    payment_intent: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

fn retry_after(headers: &HeaderMap) -> Option<Span> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Span::seconds(seconds))
}

/// Parameters of a call, as a form or a query.
pub struct Form(String);

impl Form {
    /// These parameters.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        Self(form.extend_pairs(pairs).finish())
    }

    /// One more.
    pub fn and(self, name: &str, value: &str) -> Self {
        Self(form_urlencoded::Serializer::new(self.0).append_pair(name, value).finish())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use scrip_engine::processor::Secret;

    fn settings(api_base: &str) -> Settings {
        Settings {
            secret_key: Secret::new("sk_test_hidden"),
            webhook_secret: Secret::new("whsec_hidden"),
            publishable_key: "pk_test_1".to_owned(),
            api_base: api_base.to_owned(),
            patience: Duration::from_secs(1),
        }
    }

    fn refused(status: u16, body: &str) -> Failure {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        headers.insert("request-id", HeaderValue::from_static("req_1"));
        refusal(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn the_secret_key_goes_nowhere_in_the_clear() {
        for good in ["https://api.stripe.com", "http://127.0.0.1:8420/", "http://localhost:1"] {
            assert!(Wire::new(&settings(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://api.stripe.com",
            "http://127.0.0.1.example",
            "ftp://localhost",
            "https://",
            "api.stripe.com",
            "https://api.stripe.com/v1",
            "",
        ] {
            assert!(matches!(Wire::new(&settings(bad)), Err(SetupError::Address)), "{bad}");
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let settings = settings(crate::API_BASE);
        let shown = format!("{settings:?} {:?}", crate::Stripe::new(&settings).unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let publishable =
            Settings { secret_key: Secret::new("pk_live_1"), ..settings(crate::API_BASE) };
        assert!(matches!(crate::Stripe::new(&publishable), Err(SetupError::SecretKey)));
        let broken =
            Settings { secret_key: Secret::new("sk_live\n1"), ..settings(crate::API_BASE) };
        assert!(matches!(crate::Stripe::new(&broken), Err(SetupError::SecretKey)));
        let swapped = Settings { webhook_secret: Secret::new("sk_1"), ..settings(crate::API_BASE) };
        assert!(matches!(crate::Stripe::new(&swapped), Err(SetupError::WebhookSecret)));
    }

    #[test]
    fn a_refusal_is_told_from_no_answer() {
        let json = r#"{"error": {"type": "invalid_request_error", "message": "No such customer"}}"#;
        for status in [408, 409, 429, 500, 502, 503, 301] {
            let why = format!("status {status}");
            let retry_after = Some(Span::seconds(7));
            let unanswered = ProcessorError::Unanswered { why, retry_after };
            assert_eq!(ProcessorError::from(refused(status, json)), unanswered);
        }
        let error = ProcessorError::from(refused(404, json));
        assert_eq!(
            error,
            ProcessorError::refused("invalid_request_error", "No such customer [req_1]")
        );
        let html = ProcessorError::from(refused(403, "<h1>Forbidden</h1>"));
        assert!(matches!(html, ProcessorError::Unanswered { .. }), "a proxy's, not Stripe's");
    }

    #[test]
    fn only_a_refusal_for_the_payments_state_leads_to_its_picture() {
        let body = |code: &str| {
            format!(r#"{{"error": {{"code": "{code}", "payment_intent": {{"id": "pi_1"}}}}}}"#)
        };
        let pi_1 = PaymentName::new("pi_1");
        assert_eq!(refused(402, &body("card_declined")).payment(), pi_1);
        assert_eq!(refused(400, &body("payment_intent_unexpected_state")).payment(), pi_1);
        assert_eq!(refused(400, &body("amount_too_large")).payment(), None);
    }

    #[test]
    fn parameters_are_encoded() {
        let form = Form::of(&[("metadata[a]", "1 & ü")]).and("b", "=");
        assert_eq!(form.0, "metadata%5Ba%5D=1+%26+%C3%BC&b=%3D");
    }
}
