//! Webhooks: endpoints that the vendor has told of what happens. Made, changed, turned off, told once more.
//!
//! What is told, and how often it is tried, stands in [`deliver`].

pub mod deliver;

use std::fmt;

use futures_util::future::BoxFuture;
use scrip_domain::audit::Act;
use scrip_domain::event::{Event, EventType, Feed};
use scrip_domain::webhook::{
    Delivery, Disabled, LONGEST_URL, MOST_ENDPOINTS, WebhookEndpoint, is_url,
};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::{Value, json};

use crate::audit::{Note, Staff, difference};
use crate::catalog::{Wrong, rules};
use crate::event::feed;
use crate::{Engine, Mode, Outcome};

/// Ids of one moment may be committed so far apart: who is told since some time is told a little more.
const MARGIN: Span = Span::minutes(1);

/// The way to webhook endpoints.
pub trait Sender: Send + Sync + fmt::Debug {
    /// Sends once, within a time that is bounded in all. No redirection is followed.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Reply, Unsent>>;
}

/// What is sent: a POST of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub url: String,
    /// Its name: the same when the same event is told again.
    pub id: String,
    /// When it is sent, in seconds since 1970.
    pub timestamp: String,
    /// Its signatures, divided by spaces.
    pub signature: String,
    /// The JSON.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// When it wants to be tried again, if it said so.
    pub retry_after: Option<Span>,
    /// The beginning of its body.
    pub beginning: String,
}

/// No answer came, or nothing could be sent: why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent(pub String);

/// The endpoint that is wanted.
#[derive(Clone, Debug)]
pub struct EndpointFields {
    /// Where it is told.
    pub url: String,
    /// What it is for, for people.
    pub label: String,
    /// Of what it is told; of everything when empty.
    pub events: Vec<EventType>,
}

/// What is to be another at an endpoint.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where it is told.
    pub url: Option<String>,
    /// What it is for.
    pub label: Option<String>,
    /// Of what it is told; of everything when empty.
    pub events: Option<Vec<EventType>>,
}

/// An endpoint with a secret that is told once.
#[derive(Clone)]
pub struct WithSecret {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// `whsec_…`.
    pub secret: String,
}

impl fmt::Debug for WithSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSecret").field("endpoint", &self.endpoint.id).finish_non_exhaustive()
    }
}

/// Why an endpoint is not as it was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookRefusal {
    /// There is no such endpoint, or it has no such delivery.
    NoSuchWebhook,
    /// There are as many as a vendor may have.
    TooMany,
    /// A field is out of its bounds.
    Wrong(Wrong),
}

impl Engine {
    /// Makes an endpoint, which is told of what happens from now on.
    pub async fn make_webhook(
        &self,
        by: Staff,
        fields: EndpointFields,
    ) -> Outcome<WithSecret, WebhookRefusal> {
        if let Err(wrong) = self.check_url(&fields.url) {
            return Ok(Err(WebhookRefusal::Wrong(wrong)));
        }
        let endpoint = WebhookEndpoint {
            id: self.mint()?,
            url: fields.url,
            label: fields.label,
            events: sorted(fields.events),
            issue: 1,
            rotated_at: None,
            position: 0,
            failing_since: None,
            disabled: None,
            disabled_at: None,
            created_at: self.now(),
            removed_at: None,
        };
        let made = self.submit(Make { endpoint, note: self.note(by)? }).await?;
        Ok(made.map(|endpoint| self.with_secret(endpoint)))
    }

    /// Changes an endpoint.
    pub async fn change_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
        change: EndpointChange,
    ) -> Outcome<WebhookEndpoint, WebhookRefusal> {
        if let Some(url) = &change.url
            && let Err(wrong) = self.check_url(url)
        {
            return Ok(Err(WebhookRefusal::Wrong(wrong)));
        }
        self.amend(by, id, Amendment::Fields(change)).await
    }

    /// Gives an endpoint a new secret. The one before signs beside it for a day. Whoever says which issue they have `seen` is
    /// told the secret of now where another one came meanwhile, and none is made: what is sent twice makes one.
    pub async fn rotate_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
        seen: Option<u32>,
    ) -> Outcome<WithSecret, WebhookRefusal> {
        let rotated = self.amend(by, id, Amendment::Rotate(seen)).await?;
        Ok(rotated.map(|endpoint| self.with_secret(endpoint)))
    }

    /// Tells an endpoint nothing any more. What happens meanwhile it is told once it is enabled.
    pub async fn disable_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
    ) -> Outcome<WebhookEndpoint, WebhookRefusal> {
        self.amend(by, id, Amendment::Disable).await
    }

    /// Tells an endpoint again, from where it stopped.
    pub async fn enable_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
    ) -> Outcome<WebhookEndpoint, WebhookRefusal> {
        self.amend(by, id, Amendment::Enable).await
    }

    /// Removes an endpoint for good.
    pub async fn remove_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
    ) -> Outcome<WebhookEndpoint, WebhookRefusal> {
        self.amend(by, id, Amendment::Remove).await
    }

    /// Tells an endpoint once more of everything since `since`. Gives how many events that are, wanted or not.
    pub async fn replay_webhook(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
        since: Timestamp,
    ) -> Outcome<u64, WebhookRefusal> {
        let first = self.store.seq_from(Id::<Event>::floor(since.minus(MARGIN))).await?;
        let last = self.store.feed().await?.map_or(0, |feed| feed.last);
        let before = first.map_or(last, |first| first.saturating_sub(1));
        let amended = self.amend(by, id, Amendment::GoBack { before, since }).await?;
        Ok(amended.map(|_| last.saturating_sub(before)))
    }

    /// Makes a delivery once more.
    pub async fn replay_delivery(
        &self,
        by: Staff,
        endpoint: Id<WebhookEndpoint>,
        again: Id<Delivery>,
    ) -> Outcome<Delivery, WebhookRefusal> {
        let found = self.store.delivery(again).await?;
        let Some(old) = found.filter(|old| old.endpoint == endpoint) else {
            return Ok(Err(WebhookRefusal::NoSuchWebhook));
        };
        let (id, event, note) = (self.mint()?, old.event, self.note(by)?);
        self.submit(Add { id, endpoint, event, act: Act::WebhookReplayed, note }).await
    }

    /// Sends an endpoint a test.
    pub async fn test_webhook(
        &self,
        by: Staff,
        endpoint: Id<WebhookEndpoint>,
    ) -> Outcome<Delivery, WebhookRefusal> {
        let (id, note) = (self.mint()?, self.note(by)?);
        self.submit(Add { id, endpoint, event: None, act: Act::WebhookTested, note }).await
    }

    async fn amend(
        &self,
        by: Staff,
        id: Id<WebhookEndpoint>,
        what: Amendment,
    ) -> Outcome<WebhookEndpoint, WebhookRefusal> {
        self.submit(Amend { id, what, note: self.note(by)? }).await
    }

    fn with_secret(&self, endpoint: WebhookEndpoint) -> WithSecret {
        let secret = self.keys().webhook_key(endpoint.id, endpoint.issue).reveal();
        WithSecret { endpoint, secret }
    }

    fn check_url(&self, url: &str) -> Result<(), Wrong> {
        if is_url(url, self.mode() == Mode::Demo) {
            return Ok(());
        }
        let must = format!("https://, a host's name, perhaps a path: at most {LONGEST_URL} bytes");
        Err(rules::wrong("url", must))
    }
}

/// The types in their order, each once.
fn sorted(mut events: Vec<EventType>) -> Vec<EventType> {
    events.sort_unstable();
    events.dedup();
    events
}

/// What staff sees of an endpoint, for the audit log.
fn shown(endpoint: &WebhookEndpoint) -> Value {
    let WebhookEndpoint { url, label, events, disabled, issue, .. } = endpoint;
    json!({ "url": url, "label": label, "events": events, "disabled": disabled, "secret": issue })
}

struct Make {
    endpoint: WebhookEndpoint,
    note: Note,
}

impl Command for Make {
    type Receipt = WebhookEndpoint;
    type Refusal = WebhookRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.feed.guard((Feed::ONLY,));
        wants.webhook_endpoints.guard((self.endpoint.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<WebhookEndpoint, WebhookRefusal>, Fault> {
        let feed = feed(books)?;
        let Some(endpoints) = feed.endpoints.checked_add(1).filter(|n| *n <= MOST_ENDPOINTS) else {
            return Ok(Decision::refused(WebhookRefusal::TooMany));
        };
        let endpoint = WebhookEndpoint { position: feed.last, ..self.endpoint.clone() };
        let mut changes = Changes::default();
        changes.feed.push(Change::Update(Feed { endpoints, ..feed.clone() }));
        changes.webhook_endpoints.push(Change::Insert(endpoint.clone()));
        let what = difference(&Value::Null, &shown(&endpoint));
        self.note.write(&mut changes, Act::WebhookMade, endpoint.id, what, at);
        Ok(Decision::done(endpoint, changes))
    }
}

#[derive(Clone, Debug)]
enum Amendment {
    Fields(EndpointChange),
    /// From this issue on, if it is said which.
    Rotate(Option<u32>),
    Disable,
    Enable,
    Remove,
    /// To a place in the feed, which was the one before `since`.
    GoBack {
        before: u64,
        since: Timestamp,
    },
}

impl Amendment {
    fn act(&self) -> Act {
        match self {
            Self::Fields(_) => Act::WebhookChanged,
            Self::Rotate(_) => Act::WebhookRotated,
            Self::Disable => Act::WebhookDisabled,
            Self::Enable => Act::WebhookEnabled,
            Self::Remove => Act::WebhookRemoved,
            Self::GoBack { .. } => Act::WebhookReplayed,
        }
    }

    /// The endpoint as it is to be.
    fn apply(&self, old: &WebhookEndpoint, at: Timestamp) -> Result<WebhookEndpoint, Fault> {
        let mut new = old.clone();
        match self {
            Self::Fields(EndpointChange { url, label, events }) => {
                new.url.clone_from(url.as_ref().unwrap_or(&old.url));
                new.label.clone_from(label.as_ref().unwrap_or(&old.label));
                new.events = sorted(events.as_ref().unwrap_or(&old.events).clone());
            }
            Self::Rotate(Some(seen)) if *seen != old.issue => {}
            Self::Rotate(_) => {
                let issue = old.issue.checked_add(1);
                new.issue = issue.ok_or_else(|| Fault::Bug("no more secrets".into()))?;
                new.rotated_at = Some(at);
            }
            Self::Disable if old.disabled.is_none() => disable(&mut new, Disabled::Staff, at),
            Self::Disable => {}
            Self::Enable => {
                new.disabled = None;
                new.disabled_at = None;
                // It gets as long again as every other.
                new.failing_since = old.failing_since.filter(|_| old.disabled.is_none());
            }
            Self::Remove => new.removed_at = Some(at),
            Self::GoBack { before, .. } => new.position = old.position.min(*before),
        }
        Ok(new)
    }
}

/// It is told nothing from now on.
fn disable(endpoint: &mut WebhookEndpoint, why: Disabled, at: Timestamp) {
    endpoint.disabled = Some(why);
    endpoint.disabled_at = Some(at);
}

struct Amend {
    id: Id<WebhookEndpoint>,
    what: Amendment,
    note: Note,
}

impl Command for Amend {
    type Receipt = WebhookEndpoint;
    type Refusal = WebhookRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.feed.guard((Feed::ONLY,));
        wants.webhook_endpoints.guard((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<WebhookEndpoint, WebhookRefusal>, Fault> {
        let found = books.webhook_endpoints.get(&(self.id,))?;
        let Some(old) = found.filter(|old| old.removed_at.is_none()) else {
            return Ok(Decision::refused(WebhookRefusal::NoSuchWebhook));
        };
        let mut changes = Changes::default();
        let new = self.what.apply(old, at)?;
        if new == *old {
            return Ok(Decision::done(new, changes));
        }
        changes.webhook_endpoints.push(Change::Update(new.clone()));
        if let Amendment::Remove = self.what {
            let feed = feed(books)?;
            let endpoints = feed.endpoints.saturating_sub(1);
            changes.feed.push(Change::Update(Feed { endpoints, ..feed.clone() }));
        }
        let what = match &self.what {
            Amendment::GoBack { since, .. } => json!({ "since": since }),
            _ => difference(&shown(old), &shown(&new)),
        };
        self.note.write(&mut changes, self.what.act(), self.id, what, at);
        Ok(Decision::done(new, changes))
    }
}

/// One delivery more, asked for by staff.
struct Add {
    id: Id<Delivery>,
    endpoint: Id<WebhookEndpoint>,
    event: Option<Id<Event>>,
    act: Act,
    note: Note,
}

impl Command for Add {
    type Receipt = Delivery;
    type Refusal = WebhookRefusal;

    fn wants(&self, wants: &mut Wants) {
        wants.webhook_endpoints.guard((self.endpoint,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Delivery, WebhookRefusal>, Fault> {
        let endpoint = books.webhook_endpoints.get(&(self.endpoint,))?;
        if endpoint.is_none_or(|endpoint| endpoint.removed_at.is_some()) {
            return Ok(Decision::refused(WebhookRefusal::NoSuchWebhook));
        }
        let delivery = Delivery::new(self.id, self.endpoint, self.event, at);
        let mut changes = Changes::default();
        changes.deliveries.push(Change::Insert(delivery.clone()));
        let what = json!({ "delivery": self.id, "event": self.event });
        self.note.write(&mut changes, self.act, self.endpoint, what, at);
        Ok(Decision::done(delivery, changes))
    }
}
