//! Webhooks: who is told of events, and how each telling stands.
//!
//! ```text
//! endpoint: enabled ⇄ disabled (by staff; gone: it answered 410; failing: nothing arrived for days)
//!               └────────┴─▶ removed
//!
//! delivery: pending ─▶ delivered
//!             │ ▲ └──▶ failed (the last of ten tries, or a 410)
//!             └─┘ a try that failed: due again, ever later
//! ```
//! An endpoint keeps its position in the feed of events. What comes after it becomes deliveries, page by page;
//! so an endpoint that was away, or is told again, costs the others nothing.

use crate::event::{Event, EventType};
use crate::id::Id;
use crate::time::{Span, Timestamp};
use crate::words;

/// The most endpoints that a vendor may have.
pub const MOST_ENDPOINTS: u32 = 20;
/// The longest address, in bytes.
pub const LONGEST_URL: usize = 1000;
/// For how long the secret before a rotation goes on signing beside the new one.
pub const OVERLAP: Span = Span::hours(24);
/// An endpoint at which nothing has arrived for so long is disabled.
pub const PATIENCE: Span = Span::days(5);
/// For how long deliveries are kept.
pub const KEPT: Span = Span::days(30);

words! {
    /// Why an endpoint is told nothing.
    pub enum Disabled {
        /// The vendor's staff said so.
        Staff = "staff",
        /// It answered 410: it does not want to be told any more.
        Gone = "gone",
        /// Nothing has arrived for days.
        Failing = "failing",
    }
}

words! {
    /// How a delivery stands.
    pub enum DeliveryState {
        /// It is due at some time.
        Pending = "pending",
        /// It arrived.
        Delivered = "delivered",
        /// It is given up.
        Failed = "failed",
    }
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its name.
    pub id: Id<Self>,
    /// Where it is told.
    pub url: String,
    /// What it is for, for people.
    pub label: String,
    /// Of what it is told; of everything when empty.
    pub events: Vec<EventType>,
    /// The number of its secret, from 1 on. The secret itself is derived and never stored.
    pub issue: u32,
    /// When it got a secret that is not its first.
    pub rotated_at: Option<Timestamp>,
    /// Up to which place of the feed there are deliveries for it.
    pub position: u64,
    /// Since when nothing has arrived, if the last try failed.
    pub failing_since: Option<Timestamp>,
    /// Why it is told nothing, if it is not.
    pub disabled: Option<Disabled>,
    /// Since when.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

impl WebhookEndpoint {
    /// Whether it is told of what happens.
    pub fn is_live(&self) -> bool {
        self.disabled.is_none() && self.removed_at.is_none()
    }

    /// Whether it wants to be told of this.
    pub fn wants(&self, kind: EventType) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }

    /// The numbers of the secrets that sign at `at`, the newest first.
    pub fn issues(&self, at: Timestamp) -> impl Iterator<Item = u32> + use<> {
        let overlaps = self.rotated_at.is_some_and(|rotated| at < rotated.plus(OVERLAP));
        let earlier = self.issue.checked_sub(1).filter(|_| overlaps);
        [self.issue].into_iter().chain(earlier)
    }
}

/// One telling of one event, or of nothing but that the endpoint is there (a test).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its name; grows with time.
    pub id: Id<Self>,
    /// Who is told.
    pub endpoint: Id<WebhookEndpoint>,
    /// Of what; of nothing in a test.
    pub event: Option<Id<Event>>,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due, while it is pending.
    pub due_at: Option<Timestamp>,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// The HTTP status that came of it, if an answer did.
    pub status: Option<u32>,
    /// The beginning of the answer, or why there was none.
    pub answer: Option<String>,
}

impl Delivery {
    /// A delivery that is due at once.
    pub fn new(
        id: Id<Self>,
        endpoint: Id<WebhookEndpoint>,
        event: Option<Id<Event>>,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            endpoint,
            event,
            state: DeliveryState::Pending,
            attempts: 0,
            due_at: Some(at),
            tried_at: None,
            status: None,
            answer: None,
        }
    }
}

/// How long to wait after so many tries that failed; `None` when it was the last. The times are those that
/// Standard Webhooks recommends: more than three days in all.
pub fn wait_after(attempts: u32) -> Option<Span> {
    Some(match attempts {
        0 | 1 => Span::seconds(5),
        2 => Span::minutes(5),
        3 => Span::minutes(30),
        4 => Span::hours(2),
        5 => Span::hours(5),
        6 => Span::hours(10),
        7 => Span::hours(14),
        8 => Span::hours(20),
        9 => Span::hours(24),
        _ => return None,
    })
}

/// Whether an endpoint can have this address: `https`, a host's name or IPv4 address, perhaps a port, a path and a
/// query in the characters of RFC 3986. `http` only where the host is this very machine and that is `allowed`.
pub fn is_url(url: &str, allowed: bool) -> bool {
    let (rest, here) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) if allowed => (rest, true),
        _ => return false,
    };
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
        None => (rest, ""),
    };
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let digits = port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
    let is_port = digits && port.parse::<u16>().is_ok();
    let is_host =
        host.split('.').all(is_label) && (!here || matches!(host, "localhost" | "127.0.0.1"));
    let in_path = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&b);
    url.len() <= LONGEST_URL && is_host && is_port && path.bytes().all(in_path)
}

/// A part of a host's name between two dots.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_nothing_that_misleads() {
        for good in [
            "https://hooks.example/scrip",
            "https://hooks.example",
            "https://hooks.example?a=1",
            "https://a-b.example:8443/x/%20?y=z&w",
            "https://203.0.113.7/",
        ] {
            assert!(is_url(good, false), "{good}");
        }
        for bad in [
            "",
            "https://",
            "http://hooks.example/",
            "http://127.0.0.1/",
            "ftp://hooks.example",
            "https://user@hooks.example/",
            "https://hooks.example#x",
            "https://hooks.example:0/",
            "https://hooks.example:65536/",
            "https://hooks.example:/",
            "https://hooks.example:+80/",
            "https://hooks..example/",
            "https://-a.example/",
            "https://[::1]/",
            "https://hooks.example/ x",
            "https://hooks.example/\u{e4}",
            "https://hooks.example\\@x/",
        ] {
            assert!(!is_url(bad, false), "{bad}");
        }
        assert!(!is_url(&format!("https://hooks.example/{}", "x".repeat(LONGEST_URL)), false));
        assert!(is_url("http://127.0.0.1:8080/hook", true));
        assert!(is_url("http://localhost:8080", true));
        for bad in ["http://127.0.0.1.example/", "http://hooks.example", "http://10.0.0.1"] {
            assert!(!is_url(bad, true), "{bad}");
        }
    }

    #[test]
    fn tries_go_on_for_more_than_three_days_and_end() {
        let waits: Vec<Span> = (1..).map_while(wait_after).collect();
        assert_eq!(waits.len(), 9);
        assert!(waits.is_sorted());
        let sum: i64 = waits.iter().map(|wait| wait.as_millis()).sum();
        assert!(sum > Span::days(3).as_millis() && sum < PATIENCE.as_millis());
    }

    #[test]
    fn the_secret_before_a_rotation_signs_for_a_day() {
        let at = Timestamp::from_millis(0);
        let mut endpoint = WebhookEndpoint {
            id: Id::new(1).unwrap(),
            url: String::new(),
            label: String::new(),
            events: vec![EventType::OrderPaid],
            issue: 1,
            rotated_at: None,
            position: 0,
            failing_since: None,
            disabled: None,
            disabled_at: None,
            created_at: at,
            removed_at: None,
        };
        let issues = |endpoint: &WebhookEndpoint, at| endpoint.issues(at).collect::<Vec<_>>();
        assert_eq!(issues(&endpoint, at), [1]);
        endpoint.issue = 2;
        endpoint.rotated_at = Some(at);
        assert_eq!(issues(&endpoint, at), [2, 1]);
        assert_eq!(issues(&endpoint, at.plus(OVERLAP)), [2]);
        assert!(endpoint.wants(EventType::OrderPaid) && !endpoint.wants(EventType::OrderDeclined));
        assert!(endpoint.is_live());
    }
}
