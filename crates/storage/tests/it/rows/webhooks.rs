//! Rows of the feed, and of webhooks.

use scrip_domain::event::{EventType, Feed};
use scrip_domain::webhook::{Delivery, DeliveryState, Disabled, WebhookEndpoint};

use scrip_storage::books::Change;
use scrip_storage::{Changes, Fault};

use super::{FIRST, LAST, compare, last, same, text};
use crate::commands::{change, id, look};
use crate::home::{NOON, Running};

/// An endpoint that is told of everything.
pub fn endpoint(number: u64) -> WebhookEndpoint {
    WebhookEndpoint {
        id: id(number),
        url: "https://hooks.example/".to_owned(),
        label: String::new(),
        events: Vec::new(),
        issue: 1,
        rotated_at: None,
        position: 0,
        failing_since: None,
        disabled: None,
        disabled_at: None,
        created_at: NOON,
        removed_at: None,
    }
}

pub async fn all(store: &Running) {
    let feed = Feed { number: 255, last: u64::MAX >> 1, endpoints: u32::MAX };
    round_trips!(store, feed(number): feed.clone() => Feed { last: 0, ..feed.clone() },
        other Feed { number: 0, ..feed.clone() });
    let full = WebhookEndpoint {
        id: last(),
        url: text(),
        label: text(),
        events: EventType::ALL.to_vec(),
        issue: u32::MAX,
        rotated_at: Some(LAST),
        position: u64::MAX >> 1,
        failing_since: Some(FIRST),
        disabled: Some(Disabled::Failing),
        disabled_at: Some(LAST),
        created_at: FIRST,
        removed_at: Some(LAST),
    };
    round_trips!(store, webhook_endpoints(id): full.clone() =>
        WebhookEndpoint { id: last(), ..endpoint(0) }, other WebhookEndpoint { id: id(0), ..full.clone() });
    let due = Delivery {
        id: last(),
        endpoint: last(),
        event: Some(last()),
        state: DeliveryState::Pending,
        attempts: u32::MAX,
        due_at: Some(LAST),
        tried_at: Some(FIRST),
        status: Some(u32::MAX),
        answer: Some(text()),
    };
    let done = Delivery {
        event: None,
        state: DeliveryState::Failed,
        attempts: 0,
        due_at: None,
        tried_at: None,
        status: None,
        answer: None,
        ..due.clone()
    };
    round_trips!(store, deliveries(id): due.clone() => done,
        other Delivery { id: id(0), state: DeliveryState::Delivered, due_at: None, ..due.clone() });
}
