//! What other servers answer, as it is on the wire. Members that are not known here are of a later version.

use bytes::Bytes;
use http::StatusCode;
use scrip_domain::purchase_request::RequestState;
use scrip_domain::{Amount, Span, Timestamp};
use scrip_engine::mail::Posted;
use scrip_engine::partner::{Item, Linked};
use scrip_engine::peer::PeerError;
use scrip_engine::provider::{Accepted, Earned, Moved, Opened, Picture, Returned, Standing};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::named;

/// An answer that becomes something of the port's.
pub(crate) trait Shape: DeserializeOwned {
    type Of;

    /// What it says, unless it cannot be meant.
    fn take(self) -> Result<Self::Of, PeerError>;
}

#[derive(Deserialize)]
pub(crate) struct PictureIn {
    id: String,
    state: String,
    confirmation: Option<String>,
    receipt: Option<String>,
    fulfilment: Option<String>,
    #[serde(default)]
    refunds: Vec<String>,
}

impl Shape for PictureIn {
    type Of = Picture;

    fn take(self) -> Result<Picture, PeerError> {
        let Self { id, state, confirmation, receipt, fulfilment, refunds } = self;
        let state = RequestState::parse(&state)
            .ok_or_else(|| PeerError::Unbelievable(format!("a state called {state:?}")))?;
        Ok(Picture { id, state, confirmation, receipt, fulfilment, refunds })
    }
}

#[derive(Deserialize)]
pub(crate) struct PostedIn {
    state: String,
}

impl Shape for PostedIn {
    type Of = Posted;

    fn take(self) -> Result<Posted, PeerError> {
        match self.state.as_str() {
            "sent" => Ok(Posted::Accepted),
            "delayed" => Ok(Posted::Later("the provider's mail server has no time now".to_owned())),
            "refused" => Ok(Posted::Refused("the provider does not forward it".to_owned())),
            other => Err(PeerError::Unbelievable(format!("a state called {other:?}"))),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct AcceptedIn {
    merchant: String,
    state: String,
}

impl Shape for AcceptedIn {
    type Of = Accepted;

    fn take(self) -> Result<Accepted, PeerError> {
        let Self { merchant, state } = self;
        Ok(Accepted { merchant, state })
    }
}

#[derive(Deserialize)]
pub(crate) struct EarnedIn {
    merchant: String,
    state: String,
    balance: NetIn,
    pending: AmountIn,
    payable: AmountIn,
}

/// A balance that can be below zero.
#[derive(Deserialize)]
struct NetIn {
    amount: i64,
}

#[derive(Deserialize)]
struct AmountIn {
    amount: Amount,
}

impl Shape for EarnedIn {
    type Of = Earned;

    fn take(self) -> Result<Earned, PeerError> {
        let Self { merchant, state, balance, pending, payable } = self;
        let (net, pending, payable) = (balance.amount, pending.amount, payable.amount);
        Ok(Earned { merchant, state, net, pending, payable })
    }
}

#[derive(Deserialize)]
pub(crate) struct MovedIn {
    data: Vec<LineIn>,
}

#[derive(Deserialize)]
struct LineIn {
    id: String,
    direction: String,
    amount: AmountIn,
    reason: String,
    subject: String,
    at: Timestamp,
}

impl Shape for MovedIn {
    type Of = Vec<Moved>;

    fn take(self) -> Result<Self::Of, PeerError> {
        let line = |line: LineIn| {
            let LineIn { id, direction, amount, reason, subject, at } = line;
            Moved { id, is_in: direction == "in", amount: amount.amount, reason, subject, at }
        };
        Ok(self.data.into_iter().map(line).collect())
    }
}

#[derive(Deserialize)]
pub(crate) struct OpenedIn {
    id: String,
    url: String,
    expires_in: u32,
}

impl Shape for OpenedIn {
    type Of = Opened;

    fn take(self) -> Result<Opened, PeerError> {
        let Self { id, url, expires_in } = self;
        Ok(Opened { id, url, expires_in: Span::seconds(expires_in) })
    }
}

#[derive(Deserialize)]
pub(crate) struct ReturnedIn {
    subject: String,
    request: Option<PictureIn>,
    connection: Option<String>,
    funded: Option<bool>,
}

impl Shape for ReturnedIn {
    type Of = Returned;

    fn take(self) -> Result<Returned, PeerError> {
        let Self { subject, request, connection, funded } = self;
        let request = request.map(Shape::take).transpose()?;
        Ok(Returned { subject, request, connection, standing: Standing { funded } })
    }
}

#[derive(Deserialize)]
pub(crate) struct EventsIn {
    data: Vec<EventIn>,
}

#[derive(Deserialize)]
struct EventIn {
    seq: u64,
    request: Option<String>,
}

impl Shape for EventsIn {
    type Of = Vec<(u64, Option<String>)>;

    fn take(self) -> Result<Self::Of, PeerError> {
        Ok(self.data.into_iter().map(|event| (event.seq, event.request)).collect())
    }
}

#[derive(Deserialize)]
pub(crate) struct StandingIn {
    funded: Option<bool>,
}

impl Shape for StandingIn {
    type Of = Standing;

    fn take(self) -> Result<Standing, PeerError> {
        Ok(Standing { funded: self.funded })
    }
}

/// An answer that says nothing but that it is done: `{}`, or more of a later version.
#[derive(Deserialize)]
pub(crate) struct DoneIn {}

impl Shape for DoneIn {
    type Of = ();

    fn take(self) -> Result<(), PeerError> {
        Ok(())
    }
}

#[derive(Deserialize)]
pub(crate) struct LinkedIn {
    link: String,
    subject: String,
}

impl Shape for LinkedIn {
    type Of = Linked;

    fn take(self) -> Result<Linked, PeerError> {
        let Self { link, subject } = self;
        Ok(Linked { link, subject: named(&subject)?.to_owned() })
    }
}

/// An answer that is one signed document, whatever it is called.
#[derive(Deserialize)]
pub(crate) struct DocumentIn {
    #[serde(alias = "quote", alias = "prepared", alias = "answer")]
    document: String,
}

impl Shape for DocumentIn {
    type Of = String;

    fn take(self) -> Result<String, PeerError> {
        Ok(self.document)
    }
}

#[derive(Deserialize)]
pub(crate) struct AccountIn {
    account: Option<String>,
}

impl Shape for AccountIn {
    type Of = Option<String>;

    fn take(self) -> Result<Option<String>, PeerError> {
        Ok(self.account)
    }
}

/// The most exchanges on one page.
const MOST_ITEMS: usize = 500;

#[derive(Deserialize)]
pub(crate) struct ItemsIn {
    items: Vec<ItemIn>,
}

#[derive(Deserialize)]
struct ItemIn {
    exchange: String,
    compensation: Amount,
}

impl Shape for ItemsIn {
    type Of = Vec<Item>;

    fn take(self) -> Result<Vec<Item>, PeerError> {
        if self.items.len() > MOST_ITEMS {
            return Err(PeerError::Unbelievable("a page that is longer than asked for".to_owned()));
        }
        let item = |ItemIn { exchange, compensation }| Item { exchange, compensation };
        Ok(self.items.into_iter().map(item).collect())
    }
}

/// An answer's body, if its status says that it is one.
pub(crate) fn read<T: Shape>(status: StatusCode, body: &Bytes) -> Result<T::Of, PeerError> {
    if !status.is_success() {
        return Err(refusal(status, body));
    }
    let body: &[u8] = if status == StatusCode::NO_CONTENT { b"{}" } else { body };
    let shape: T =
        serde_json::from_slice(body).map_err(|error| PeerError::Unbelievable(error.to_string()))?;
    shape.take()
}

/// Why there is no answer. Only a code of the server's own is a refusal: whatever else stands between may say no as
/// well, and knows nothing.
fn refusal(status: StatusCode, body: &Bytes) -> PeerError {
    #[derive(Deserialize)]
    struct Problem {
        code: String,
        #[serde(default)]
        detail: String,
        #[serde(default)]
        reason: Option<String>,
    }
    let number = status.as_u16();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return PeerError::Unanswered(format!("status {number}"));
    }
    match serde_json::from_slice(body) {
        Ok(Problem { code, detail, reason }) => PeerError::Refused { code, detail, reason },
        Err(_) => PeerError::Unanswered(format!("status {number} without a code")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen<T: Shape>(status: u16, body: &str) -> Result<T::Of, PeerError> {
        read::<T>(StatusCode::from_u16(status).unwrap(), &Bytes::from(body.to_owned()))
    }

    #[test]
    fn a_picture_may_have_more_than_is_known_and_no_state_that_is_not() {
        let picture = r#"{ "id": "req_1", "order": "ord_1", "state": "captured", "amount": 5,
            "confirmation": "a.b.c", "receipt": null, "refunds": ["d.e.f"], "newer": {} }"#;
        let read = seen::<PictureIn>(200, picture).unwrap();
        assert_eq!((read.id.as_str(), read.state), ("req_1", RequestState::Captured));
        assert_eq!((read.confirmation.as_deref(), read.receipt), (Some("a.b.c"), None));
        assert_eq!((read.fulfilment, read.refunds), (None, vec!["d.e.f".to_owned()]));
        for bad in [picture.replace("captured", "gone").as_str(), "{}", "[]", "<html>", ""] {
            let error = seen::<PictureIn>(200, bad).unwrap_err();
            assert!(matches!(error, PeerError::Unbelievable(_)), "{bad}");
        }
        let opened = r#"{ "id": "req_1", "url": "https://pay.test/pay/x", "expires_in": 600 }"#;
        assert_eq!(seen::<OpenedIn>(201, opened).unwrap().expires_in, Span::minutes(10));
        assert!(seen::<OpenedIn>(201, &opened.replace("600", "-1")).is_err());
        let standing = seen::<StandingIn>(200, r#"{ "subject": "a", "funded": null }"#).unwrap();
        assert_eq!(standing.funded, None);
        let returned = format!(r#"{{ "subject": "a", "request": {picture}, "funded": true }}"#);
        let returned = seen::<ReturnedIn>(200, &returned).unwrap();
        assert_eq!(returned.request.map(|picture| picture.id).as_deref(), Some("req_1"));
        assert_eq!((returned.connection, returned.standing.funded), (None, Some(true)));
    }

    #[test]
    fn a_partners_answers_are_read_within_bounds() {
        let done = seen::<DoneIn>(200, r#"{ "newer": 1 }"#);
        assert_eq!(done, Ok(()));
        assert_eq!(seen::<DoneIn>(204, ""), Ok(()));
        assert!(seen::<DoneIn>(200, "").is_err());
        let linked = r#"{ "link": "lnk_1", "subject": "abc-_1" }"#;
        let read = seen::<LinkedIn>(200, linked).unwrap();
        assert_eq!((read.link.as_str(), read.subject.as_str()), ("lnk_1", "abc-_1"));
        assert!(seen::<LinkedIn>(200, &linked.replace("abc", "../a")).is_err());
        for name in ["quote", "prepared", "answer"] {
            let document = seen::<DocumentIn>(200, &format!(r#"{{ "{name}": "a.b.c" }}"#));
            assert_eq!(document.as_deref(), Ok("a.b.c"), "{name}");
        }
        assert_eq!(seen::<AccountIn>(200, r#"{ "account": null }"#), Ok(None));
        let items = |count: usize| {
            let item = json!({ "exchange": "exc_1", "compensation": 5 });
            seen::<ItemsIn>(200, &json!({ "items": vec![item; count] }).to_string())
        };
        assert_eq!(items(500).unwrap().len(), 500);
        assert!(items(501).is_err());
        let negative = r#"{ "items": [{ "exchange": "exc_1", "compensation": -1 }] }"#;
        assert!(seen::<ItemsIn>(200, negative).is_err());
    }

    #[test]
    fn only_the_servers_own_codes_are_refusals() {
        let problem = r#"{ "code": "hold_expired", "detail": "too late", "status": 409 }"#;
        for status in [401, 403, 404, 409, 422] {
            let refused = seen::<StandingIn>(status, problem).unwrap_err();
            let (code, detail) = ("hold_expired".to_owned(), "too late".to_owned());
            assert_eq!(refused, PeerError::Refused { code, detail, reason: None }, "{status}");
        }
        for (status, body) in [
            (404, "<html>no such page</html>"),
            (403, "{}"),
            (302, ""),
            (429, problem),
            (500, problem),
            (503, problem),
        ] {
            let error = seen::<StandingIn>(status, body).unwrap_err();
            assert!(matches!(error, PeerError::Unanswered(_)), "{status} {error}");
        }
    }
}
