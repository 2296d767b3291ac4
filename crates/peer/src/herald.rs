//! A provider's notices to its merchants.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use scrip_engine::purchase_request::notice::Herald;
use scrip_https::Unanswered;
use serde_json::json;

use crate::Line;
use crate::line::Question;

/// Tells merchants by signed HTTP.
#[derive(Clone, Debug)]
pub struct HttpHerald(Line);

impl HttpHerald {
    /// Tells them through `line`.
    pub fn new(line: Line) -> Self {
        Self(line)
    }

    async fn post(&self, merchant: &str, kind: &str, request: &str) -> Result<(), String> {
        let question = Question {
            method: Method::POST,
            url: format!("{merchant}/v1/hooks/provider"),
            idempotency: None,
            body: Some(json!({ "type": kind, "request": request })),
        };
        let answer = self.0.ask(question).await.map_err(|Unanswered(why)| why)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
    }
}

impl Herald for HttpHerald {
    fn tell<'a>(
        &'a self,
        merchant: &'a str,
        kind: &'a str,
        request: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.post(merchant, kind, request).boxed()
    }
}
