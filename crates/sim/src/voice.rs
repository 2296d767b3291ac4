//! How a buyer speaks to the shop: one request, one answer or silence.

use std::time::Duration;

use http::Method;
use scrip_client::{Client, Connector};
use serde_json::Value;

use crate::goods::Good;
use crate::trace::Trace;

/// What a request is to bring about, as the buyer understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Nothing: it only reads.
    Read,
    /// So many tokens come in, if the credit check permits.
    TopUp(u64),
    /// So many tokens may come in by card, and may be taken back at any time.
    Card(u64),
    /// So many tokens are asked for, and paid offline.
    Offline(u64),
    /// Money came for the offline top-up, of which so many tokens are missing at most.
    Receive {
        /// For which.
        top_up: String,
        /// What is missing.
        most: u64,
    },
    /// So many tokens come in on credit, now or when they are approved.
    Draw(u64),
    /// So many cents of what is owed are repaid.
    Repay(u64),
    /// A voucher brings so many tokens, if nobody has redeemed it.
    Voucher(u64),
    /// At most so many tokens are taken back of a top-up, which was paid by card or not.
    TakeBack {
        /// Of which.
        top_up: String,
        /// Whether it was paid by card.
        card: bool,
        /// What it brought.
        most: u64,
    },
    /// So many tokens come in, and may expire before they are spent.
    Gift(u64),
    /// A part of an order comes back, or all that is left of it.
    Refund(String),
    /// A draft of so many units at so much.
    Draft(Basket),
    /// A purchase of so many units at so much.
    Purchase(Basket),
    /// An order is paid.
    Confirm(String),
}

impl Deed {
    /// Whether it brings tokens for money, or takes them back for it, by another way than the demo's approvals.
    pub fn is_about_money(&self) -> bool {
        matches!(
            self,
            Self::Offline(_)
                | Self::Draw(_)
                | Self::Repay(_)
                | Self::Receive { .. }
                | Self::Voucher(_)
                | Self::Card(_)
                | Self::TakeBack { .. }
        )
    }
}

/// What is in a basket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basket {
    /// A good for each unit.
    pub units: Vec<Good>,
    /// What they cost.
    pub total: u64,
    /// Whether the buyer insists on what is owned already.
    pub again: bool,
    /// Whether it has a coupon that others may use up.
    pub limited: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    /// GET or POST.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// Whose word it is; empty for a visitor's.
    pub token: String,
    /// The body; null for none.
    pub body: Value,
    /// What it is for.
    pub deed: Deed,
}

impl Ask {
    /// A question.
    pub fn get(path: impl Into<String>, token: &str) -> Self {
        let (path, token) = (path.into(), token.to_owned());
        Self { method: Method::GET, path, key: None, token, body: Value::Null, deed: Deed::Read }
    }

    /// A request without a key.
    pub fn post(path: impl Into<String>, token: &str, body: Value) -> Self {
        Self { method: Method::POST, body, ..Self::get(path, token) }
    }
}

/// An answer that says what is so. Anything else is silence.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Whether the server says that it answered this before.
    pub replayed: bool,
    /// Its body.
    pub body: Value,
}

impl Answer {
    /// The problem's code; empty for a success.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A buyer's way to a server.
#[derive(Clone, Debug)]
pub struct Voice {
    name: String,
    client: Client,
    trace: Trace,
}

impl Voice {
    /// The voice of the machine called `name`, to the shop.
    pub fn new(name: &str, trace: Trace) -> Result<Self, String> {
        Self::to("shop", name, trace)
    }

    /// The voice of the machine called `name`, to the one called `server`.
    pub fn to(server: &str, name: &str, trace: Trace) -> Result<Self, String> {
        let connector = Connector::new(|host: String, port| async move {
            turmoil::net::TcpStream::connect((host, port)).await
        });
        let client = Client::with_connector(&format!("http://{server}"), connector);
        let client = client.map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), client, trace })
    }

    /// Asks, and waits at most so long. `None` is silence: it may have happened or not.
    pub async fn ask(&self, ask: &Ask, patience: Duration) -> Option<Answer> {
        let Ask { method, path, key, token, body, .. } = ask;
        let key = key.as_deref();
        self.trace.act(&self.name, &format!("{method} {path} {} {body}", key.unwrap_or("-")));
        // A token that comes with its scheme is sent as it is.
        let is_whole = token.contains(' ');
        let authorization = if is_whole { token.clone() } else { format!("Bearer {token}") };
        let mut headers = vec![];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        if !token.is_empty() {
            headers.push(("authorization", &authorization));
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            headers.push(("content-type", "application/json"));
            body.to_string().into_bytes()
        };
        let request = self.client.request(method.clone(), path, &headers, bytes);
        let answer = match tokio::time::timeout(patience, request).await {
            Err(_) => Err("no patience left".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(answer)) => Ok(answer),
        };
        match answer {
            Err(silence) => {
                self.trace.note(&self.name, &format!("  hears nothing: {silence}"));
                None
            }
            Ok(answer) => {
                let body = String::from_utf8_lossy(&answer.body);
                let (status, replayed) = (answer.status.as_u16(), answer.replayed());
                let again = if replayed { " again" } else { "" };
                self.trace.note(&self.name, &format!("  {status}{again} {body}"));
                let body = serde_json::from_str(&body).unwrap_or_default();
                (status < 500).then_some(Answer { status, replayed, body })
            }
        }
    }
}
