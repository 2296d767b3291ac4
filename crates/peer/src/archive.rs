//! A provider's own documents, as its merchants have them.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use scrip_domain::Timestamp;
use scrip_engine::restore::{Archive, Bundle, Bundles};
use scrip_https::Unanswered;
use serde::Deserialize;

use crate::Line;
use crate::line::Question;

/// Asks merchants by signed HTTP.
#[derive(Clone, Debug)]
pub struct HttpArchive(Line);

#[derive(Deserialize)]
struct PageIn {
    data: Vec<BundleIn>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct BundleIn {
    offer: String,
    confirmation: Option<String>,
    receipt: Option<String>,
    fulfilment: Option<String>,
    #[serde(default)]
    refunds: Vec<String>,
}

impl HttpArchive {
    /// Asks them through `line`.
    pub fn new(line: Line) -> Self {
        Self(line)
    }

    async fn get(&self, merchant: &str, since: Timestamp, after: &str) -> Result<Bundles, String> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if after.len() > 100 || !after.bytes().all(is_name) {
            return Err("a place that is none".to_owned());
        }
        let mut url = format!("{merchant}/v1/peer/documents?since={since}");
        if !after.is_empty() {
            url = format!("{url}&after={after}");
        }
        let question = Question { method: Method::GET, url, idempotency: None, body: None };
        let answer = self.0.ask(question).await.map_err(|Unanswered(why)| why)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("status {}", status.as_u16()));
        }
        let page: PageIn =
            serde_json::from_slice(answer.body()).map_err(|_| "not a page of documents")?;
        let bundle = |bundle: BundleIn| {
            let BundleIn { offer, confirmation, receipt, fulfilment, refunds } = bundle;
            Bundle { offer, confirmation, receipt, fulfilment, refunds }
        };
        Ok(Bundles { bundles: page.data.into_iter().map(bundle).collect(), next: page.next })
    }
}

impl Archive for HttpArchive {
    fn documents<'a>(
        &'a self,
        merchant: &'a str,
        since: Timestamp,
        after: &'a str,
    ) -> BoxFuture<'a, Result<Bundles, String>> {
        self.get(merchant, since, after).boxed()
    }
}
