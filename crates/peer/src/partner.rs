//! Other vendors.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use scrip_domain::{Amount, Timestamp};
use scrip_engine::partner::{History, Item, Linked, Notice, Partners, SettlementNews, Way};
use scrip_engine::peer::{PeerError, PeerKeys};
use scrip_engine::provider::{Asked, Opened};
use serde_json::{Value, json};

use crate::Line;
use crate::document::{claims, named};
use crate::history::HistoryIn;
use crate::line::Question;
use crate::shape::{AccountIn, DocumentIn, DoneIn, ItemsIn, LinkedIn, OpenedIn, Shape};

/// Partners that are asked by signed HTTP, each at its own address below `/v1/peer`.
#[derive(Clone, Debug)]
pub struct HttpPartners {
    line: Line,
    keys: Arc<PeerKeys>,
}

impl HttpPartners {
    /// Partners that are asked through `line`; what they have signed is read with their keys among `keys`.
    pub fn new(line: Line, keys: Arc<PeerKeys>) -> Self {
        Self { line, keys }
    }

    async fn ask<T: Shape>(
        &self,
        method: Method,
        url: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<T::Of, PeerError> {
        let url = format!("{url}/v1/peer/{path}");
        self.line.hear::<T>(Question { method, url, idempotency: None, body }).await
    }

    async fn post<T: Shape>(&self, url: &str, path: &str, body: Value) -> Result<T::Of, PeerError> {
        self.ask::<T>(Method::POST, url, path, Some(body)).await
    }
}

fn notice(notice: &Notice) -> Value {
    match notice {
        Notice::Declined(agreement) => json!({ "type": "declined", "agreement": agreement }),
        Notice::Withdrawn(agreement) => json!({ "type": "withdrawn", "agreement": agreement }),
        Notice::Ends(agreement, at) => json!({ "type": "ends", "agreement": agreement, "at": at }),
        Notice::Suspended(at) => json!({ "type": "suspended", "at": at }),
        Notice::Resumed(at) => json!({ "type": "resumed", "at": at }),
    }
}

fn news(news: &SettlementNews) -> Value {
    match news {
        SettlementNews::Instructed(reference) => {
            json!({ "type": "instructed", "reference": reference })
        }
        SettlementNews::Sent(reference) => json!({ "type": "sent", "reference": reference }),
        SettlementNews::Received(paid) => json!({ "type": "received", "paid": paid }),
    }
}

impl Partners for HttpPartners {
    fn propose<'a>(&'a self, url: &'a str, proposal: &'a str) -> Asked<'a, ()> {
        self.post::<DoneIn>(url, "proposals", json!({ "proposal": proposal })).boxed()
    }

    fn accept<'a>(&'a self, url: &'a str, acceptance: &'a str) -> Asked<'a, ()> {
        self.post::<DoneIn>(url, "acceptances", json!({ "acceptance": acceptance })).boxed()
    }

    fn tell<'a>(&'a self, url: &'a str, told: &'a Notice) -> Asked<'a, ()> {
        self.post::<DoneIn>(url, "notices", notice(told)).boxed()
    }

    fn link<'a>(&'a self, url: &'a str, link: &'a str, return_url: &'a str) -> Asked<'a, Opened> {
        let body = json!({ "link": link, "return_url": return_url });
        self.post::<OpenedIn>(url, "links", body).boxed()
    }

    fn redeem<'a>(&'a self, url: &'a str, return_code: &'a str) -> Asked<'a, Linked> {
        self.post::<LinkedIn>(url, "return-codes", json!({ "code": return_code })).boxed()
    }

    fn unlink<'a>(&'a self, url: &'a str, subject: &'a str) -> Asked<'a, ()> {
        async move {
            let path = format!("links/{}", named(subject)?);
            self.ask::<DoneIn>(Method::DELETE, url, &path, None).await
        }
        .boxed()
    }

    fn quote<'a>(&'a self, url: &'a str, subject: &'a str, give: Amount) -> Asked<'a, String> {
        let body = json!({ "subject": subject, "give": give });
        self.post::<DocumentIn>(url, "exchange-quotes", body).boxed()
    }

    fn prepare<'a>(&'a self, url: &'a str, exchange: &'a str, quote: &'a str) -> Asked<'a, String> {
        async move {
            let path = format!("exchanges/{}", named(exchange)?);
            let body = json!({ "quote": quote });
            self.ask::<DocumentIn>(Method::PUT, url, &path, Some(body)).await
        }
        .boxed()
    }

    fn fulfil<'a>(&'a self, url: &'a str, exchange: &'a str, commit: &'a str) -> Asked<'a, String> {
        async move {
            let path = format!("exchanges/{}/fulfil", named(exchange)?);
            self.post::<DocumentIn>(url, &path, json!({ "commit": commit })).await
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, url: &'a str, exchange: &'a str) -> Asked<'a, ()> {
        async move {
            let path = format!("exchanges/{}/cancel", named(exchange)?);
            self.post::<DoneIn>(url, &path, json!({})).await
        }
        .boxed()
    }

    fn account<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        account: &'a str,
    ) -> Asked<'a, Option<String>> {
        async move {
            let body = json!({ "account": account });
            self.ask::<AccountIn>(Method::PUT, url, &format!("accounts/{cycle}"), Some(body)).await
        }
        .boxed()
    }

    fn items<'a>(
        &'a self,
        url: &'a str,
        cycle: u32,
        way: Way,
        after: Option<&'a str>,
    ) -> Asked<'a, Vec<Item>> {
        async move {
            let way = match way {
                Way::Out => "out",
                Way::In => "in",
            };
            let after = match after {
                Some(after) => format!("?after={}", named(after)?),
                None => String::new(),
            };
            let path = format!("accounts/{cycle}/{way}{after}");
            self.ask::<ItemsIn>(Method::GET, url, &path, None).await
        }
        .boxed()
    }

    fn settle<'a>(&'a self, url: &'a str, cycle: u32, told: &'a SettlementNews) -> Asked<'a, ()> {
        async move { self.post::<DoneIn>(url, &format!("settlements/{cycle}"), news(told)).await }
            .boxed()
    }

    fn history<'a>(&'a self, url: &'a str, since: Timestamp, after: &'a str) -> Asked<'a, History> {
        async move {
            let after = match after {
                "" => String::new(),
                after => format!("&after={}", named(after)?),
            };
            let path = format!("history?since={since}{after}");
            self.ask::<HistoryIn>(Method::GET, url, &path, None).await
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        url: &'a str,
        typ: &'a str,
        document: &'a str,
    ) -> BoxFuture<'a, Result<Value, PeerError>> {
        claims(&self.keys, self.line.pen(), url, typ, document).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_the_other_side_reads() {
        let ends = Notice::Ends("d".to_owned(), 7);
        assert_eq!(notice(&ends), json!({ "type": "ends", "agreement": "d", "at": 7 }));
        assert_eq!(notice(&Notice::Suspended(8)), json!({ "type": "suspended", "at": 8 }));
        let sent = SettlementNews::Sent("r".to_owned());
        assert_eq!(news(&sent), json!({ "type": "sent", "reference": "r" }));
        let paid = SettlementNews::Received("a.b.c".to_owned());
        assert_eq!(news(&paid), json!({ "type": "received", "paid": "a.b.c" }));
    }
}
