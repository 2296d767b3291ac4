//! The worker that tells webhooks: it turns events into deliveries, and makes them.
//!
//! ```text
//! events beyond the endpoint's position ─▶ deliveries (and the position moves, in the same commit)
//! delivery due ─▶ taken (moved ahead, so that no other server makes it) ─▶ sent ─▶ delivered, due again, or failed
//! ```
//! An endpoint is run by itself: one that is slow or dead delays no other. A worker that dies between two of these
//! steps costs a little time, and perhaps a message that comes twice: its id says so.

use scrip_domain::audit::Act;
use scrip_domain::event::Event;
use scrip_domain::letter::{About, Letter};
use scrip_domain::webhook::{
    Delivery, DeliveryState, Disabled, KEPT, PATIENCE, WebhookEndpoint, wait_after,
};
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde_json::json;

use super::{Message, Reply, Sender, Unsent, disable};
use crate::audit::{Note, Staff};
use crate::round;
use crate::{Engine, event};

/// For how long a delivery that was taken is nobody else's: longer than a sender has patience.
const LEASE: Span = Span::minutes(2);
/// Events that become deliveries in one commit.
const PAGE: u32 = 200;
/// An endpoint that has so many deliveries pending gets no more of them yet.
const PENDING: u32 = 2000;
/// Deliveries that one round takes on, and how many of them wait for the endpoint at a time.
const ROUND: u32 = 50;
const AT_ONCE: usize = 4;
/// What an endpoint asks for, it waits at most.
const LONGEST_WAIT: Span = Span::hours(24);
/// Of an answer so many characters are kept.
const KEPT_CHARACTERS: usize = 300;
/// Deliveries that are pruned in one commit.
const PRUNED: u32 = 500;

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It arrived.
    Delivered,
    /// It did not, and is tried again later.
    Delayed,
    /// It did not, and is given up.
    Failed,
}

impl Tried {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Delayed => "delayed",
            Self::Failed => "failed",
        }
    }
}

impl Engine {
    /// The endpoints that have something to be told.
    pub async fn webhooks_waiting(&self) -> Result<Vec<Id<WebhookEndpoint>>, Fault> {
        self.store.webhooks_waiting(self.now()).await
    }

    /// Tells one endpoint what is due, once. Gives what came of each try.
    pub async fn run_webhook(&self, id: Id<WebhookEndpoint>) -> Result<Vec<Tried>, Fault> {
        let Some(sender) = self.sender.clone() else { return Ok(Vec::new()) };
        while self.fan_out(id).await? {}
        let due = self.store.deliveries_due(id, self.now(), ROUND).await?;
        let deliver = |delivery: Delivery| self.deliver(sender.as_ref(), id, delivery.id);
        let tries = round::all(due, AT_ONCE, deliver).await?;
        Ok(tries.into_iter().flatten().collect())
    }

    /// Forgets deliveries of long ago. Gives how many; ask again until there are none.
    pub async fn prune_deliveries(&self) -> Result<usize, Fault> {
        let before = Id::floor(self.now().minus(KEPT));
        let old = self.store.deliveries_before(before, PRUNED).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let Ok(pruned) =
            self.submit(Prune { ids: old.iter().map(|delivery| delivery.id).collect() }).await?;
        Ok(pruned)
    }

    /// Makes deliveries of the next page of events. Whether there may be more.
    async fn fan_out(&self, id: Id<WebhookEndpoint>) -> Result<bool, Fault> {
        let endpoint = self.store.webhook_endpoint(id).await?;
        let Some(endpoint) = endpoint.filter(WebhookEndpoint::is_live) else { return Ok(false) };
        let events = self.store.events_between(endpoint.position, Id::<Event>::MAX, PAGE).await?;
        if events.is_empty() || self.store.deliveries_pending(id, PENDING).await? >= PENDING {
            return Ok(false);
        }
        let ids = self.mint_many(events.len())?;
        let Ok(()) =
            self.submit(FanOut { endpoint: id, from: endpoint.position, events, ids }).await?;
        Ok(true)
    }

    /// Makes one delivery, unless it is not due any more.
    async fn deliver(
        &self,
        sender: &dyn Sender,
        endpoint: Id<WebhookEndpoint>,
        id: Id<Delivery>,
    ) -> Result<Option<Tried>, Fault> {
        let Ok((endpoint, delivery)) = self.submit(Take { endpoint, id }).await? else {
            return Ok(None);
        };
        let message = self.message(&endpoint, &delivery).await?;
        let came = sender.send(&message).await;
        let mut chance = [0];
        self.fill(&mut chance);
        let [jitter] = chance;
        let note = self.note(Staff::SERVER)?;
        let about = About::WebhookDisabled { endpoint: endpoint.id };
        let letter = self.staff_letter(about).await?;
        let settle = Settle { endpoint: endpoint.id, id, came, jitter, note, letter };
        let Ok(tried) = self.submit(settle).await?;
        Ok(tried)
    }

    /// What is sent, signed with each secret that the endpoint may know.
    async fn message(
        &self,
        endpoint: &WebhookEndpoint,
        delivery: &Delivery,
    ) -> Result<Message, Fault> {
        let now = self.now();
        let (id, body) = match delivery.event {
            Some(event) => {
                let told = self.store.told_event(event).await?;
                let told = told.ok_or_else(|| Fault::Bug("an event is gone".into()))?;
                (event.to_string(), event::body(&told))
            }
            None => {
                let data = json!({ "object": "webhook_endpoint", "id": endpoint.id });
                let body = json!({ "type": "webhook.test", "timestamp": now, "data": data });
                (delivery.id.to_string(), body)
            }
        };
        let (timestamp, body) = (now.seconds().to_string(), body.to_string());
        let keys = self.keys();
        let sign =
            |issue| keys.webhook_key(endpoint.id, issue).sign(&id, &timestamp, body.as_bytes());
        let signature = endpoint.issues(now).map(sign).collect::<Vec<_>>().join(" ");
        Ok(Message { url: endpoint.url.clone(), id, timestamp, signature, body })
    }
}

struct FanOut {
    endpoint: Id<WebhookEndpoint>,
    /// Where the endpoint stood when the events were read.
    from: u64,
    /// The events after that, which are published and change no more.
    events: Vec<Event>,
    ids: Vec<Id<Delivery>>,
}

impl Command for FanOut {
    type Receipt = ();
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.webhook_endpoints.guard((self.endpoint,));
    }

    fn decide(&self, books: &Books, at: Timestamp) -> Result<Decision<(), Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let endpoint = books.webhook_endpoints.get(&(self.endpoint,))?;
        let same =
            |endpoint: &&WebhookEndpoint| endpoint.is_live() && endpoint.position == self.from;
        let (Some(endpoint), Some(last)) = (endpoint.filter(same), self.events.last()) else {
            // Another server was here meanwhile, or staff.
            return Ok(Decision::done((), changes));
        };
        for (event, id) in self.events.iter().zip(&self.ids) {
            if endpoint.wants(event.kind) {
                let delivery = Delivery::new(*id, endpoint.id, Some(event.id), at);
                changes.deliveries.push(Change::Insert(delivery));
            }
        }
        let unpublished = || Fault::Bug("an event of the feed has no place".into());
        let position = last.seq.ok_or_else(unpublished)?;
        changes
            .webhook_endpoints
            .push(Change::Update(WebhookEndpoint { position, ..endpoint.clone() }));
        Ok(Decision::done((), changes))
    }
}

/// It is not due any more: done, or somebody else's, or its endpoint is told nothing.
struct NotDue;

struct Take {
    endpoint: Id<WebhookEndpoint>,
    id: Id<Delivery>,
}

impl Command for Take {
    type Receipt = (WebhookEndpoint, Delivery);
    type Refusal = NotDue;

    fn wants(&self, wants: &mut Wants) {
        wants.webhook_endpoints.guard((self.endpoint,));
        wants.deliveries.read((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<(WebhookEndpoint, Delivery), NotDue>, Fault> {
        let endpoint = books.webhook_endpoints.get(&(self.endpoint,))?;
        let delivery = books.deliveries.get(&(self.id,))?;
        let is_due = |delivery: &&Delivery| delivery.due_at.is_some_and(|due| due <= at);
        let (Some(endpoint), Some(delivery)) =
            (endpoint.filter(|endpoint| endpoint.is_live()), delivery.filter(is_due))
        else {
            return Ok(Decision::refused(NotDue));
        };
        let mut changes = Changes::default();
        let taken = Delivery { due_at: Some(at.plus(LEASE)), ..delivery.clone() };
        changes.deliveries.push(Change::Update(taken.clone()));
        Ok(Decision::done((endpoint.clone(), taken), changes))
    }
}

struct Settle {
    endpoint: Id<WebhookEndpoint>,
    id: Id<Delivery>,
    came: Result<Reply, Unsent>,
    /// Chance: tries that failed together are not made together again.
    jitter: u8,
    note: Note,
    /// Tells staff when the endpoint is told nothing any more.
    letter: Option<Letter>,
}

impl Command for Settle {
    type Receipt = Option<Tried>;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.webhook_endpoints.guard((self.endpoint,));
        wants.deliveries.read((self.id,));
    }

    fn decide(
        &self,
        books: &Books,
        at: Timestamp,
    ) -> Result<Decision<Option<Tried>, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let delivery = books.deliveries.get(&(self.id,))?.filter(|old| old.due_at.is_some());
        let endpoint = books.webhook_endpoints.get(&(self.endpoint,))?;
        let (Some(delivery), Some(old)) = (delivery, endpoint) else {
            return Ok(Decision::done(None, changes));
        };
        let (tried, settled) = self.settled(delivery, at);
        let endpoint = self.marked(old, tried, at);
        if endpoint.disabled != old.disabled {
            let what = json!({ "disabled": { "to": endpoint.disabled }, "delivery": self.id });
            self.note.write(&mut changes, Act::WebhookDisabled, old.id, what, at);
            changes.letters.extend(self.letter.clone().map(Change::Insert));
        }
        if endpoint != *old {
            changes.webhook_endpoints.push(Change::Update(endpoint));
        }
        changes.deliveries.push(Change::Update(settled));
        Ok(Decision::done(Some(tried), changes))
    }
}

impl Settle {
    /// What came of the try, and the delivery after it.
    fn settled(&self, old: &Delivery, at: Timestamp) -> (Tried, Delivery) {
        let attempts = old.attempts.saturating_add(1);
        let (status, answer) = match &self.came {
            Ok(reply) => (Some(u32::from(reply.status)), clean(&reply.beginning)),
            Err(Unsent(why)) => (None, clean(why)),
        };
        let again = wait_after(attempts).filter(|_| status != Some(GONE));
        let (tried, state, due_at) = match again {
            _ if self.arrived() => (Tried::Delivered, DeliveryState::Delivered, None),
            Some(wait) => (Tried::Delayed, DeliveryState::Pending, Some(self.due(wait, at))),
            None => (Tried::Failed, DeliveryState::Failed, None),
        };
        let answer = Some(answer);
        let tried_at = Some(at);
        (tried, Delivery { state, attempts, due_at, tried_at, status, answer, ..old.clone() })
    }

    fn arrived(&self) -> bool {
        self.came.as_ref().is_ok_and(|reply| (200..300).contains(&reply.status))
    }

    /// After the wait and up to a tenth of it more, and not before the endpoint wants it.
    fn due(&self, wait: Span, at: Timestamp) -> Timestamp {
        let more = wait.as_millis().saturating_mul(i64::from(self.jitter)).checked_div(2560);
        let due = at.plus(wait).millis().saturating_add(more.unwrap_or(0));
        let asked = self.came.as_ref().ok().and_then(|reply| reply.retry_after);
        let asked = at.plus(asked.unwrap_or(wait).min(LONGEST_WAIT));
        Timestamp::from_millis(due).max(asked)
    }

    /// The endpoint after the try.
    fn marked(&self, old: &WebhookEndpoint, tried: Tried, at: Timestamp) -> WebhookEndpoint {
        let mut new = old.clone();
        if tried == Tried::Delivered {
            new.failing_since = None;
            return new;
        }
        let since = *new.failing_since.get_or_insert(at);
        let gone = self.came.as_ref().is_ok_and(|reply| u32::from(reply.status) == GONE);
        if old.is_live() && gone {
            disable(&mut new, Disabled::Gone, at);
        } else if old.is_live() && at >= since.plus(PATIENCE) {
            disable(&mut new, Disabled::Failing, at);
        }
        new
    }
}

/// The status of who does not want to be told any more.
const GONE: u32 = 410;

/// The beginning of a text that somebody else wrote, on one line.
fn clean(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(KEPT_CHARACTERS).collect::<String>().trim().to_owned()
}

struct Prune {
    ids: Vec<Id<Delivery>>,
}

impl Command for Prune {
    /// How many went.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        self.ids.iter().for_each(|id| wants.deliveries.guard((*id,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        for id in &self.ids {
            changes.deliveries.extend(books.deliveries.get(&(*id,))?.cloned().map(Change::Delete));
        }
        Ok(Decision::done(changes.len(), changes))
    }
}

#[cfg(test)]
mod tests;
