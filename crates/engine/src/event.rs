//! Events: told in the commit of what happened, published afterwards, read in order.
//!
//! The one writer of a file gives an event its place in the order of all events as it writes it (`place_events` in
//! the storage's books). Where several servers write one database, that would be one row for every purchase of every
//! server; there a publisher gives places afterwards, under the guard of that row, one page after the other. Either
//! way a place that is seen has no gap below it.
//!
//! An account's own events are found through the index by account, in whose page its purchase writes anyway. It
//! lists them by id; the place decides which are new. Those of licenses that were issued it does not list: a purchase would
//! write an entry more for each. They are found through the `order.paid` of the same commit (`told_of` in the storage's reads).

use scrip_domain::account::Account;
use scrip_domain::event::{Event, EventType, Feed};
use scrip_domain::license::License;
use scrip_domain::{Id, Span, Timestamp};
use scrip_storage::books::Change;
use scrip_storage::index::Entry;
use scrip_storage::reads::Told;
use scrip_storage::{Books, Changes, Command, Decision, Fault, Wants};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::Engine;

/// How many events are published in one commit.
const PAGE: u32 = 500;
/// How many events are looked at for those of one kind.
const SCAN: u32 = 1000;
/// How many of its own events an account's page is looked for in, at first.
const WINDOW: u32 = 2000;
/// An event is committed at most so long after its id was minted.
const OVERTAKEN: Span = Span::minutes(10);

/// Writes an event, and lists it with its account.
pub(crate) fn tell(changes: &mut Changes, event: Event) {
    changes.by_account.push(Change::Insert(Entry::event(event.account, event.id)));
    changes.events.push(Change::Insert(event));
}

/// Writes that a license is its buyer's from now on, in the commit that tells that its order is paid, and under a name that is
/// later than that event's. A purchase mints none for it: it takes the license's own number.
pub(crate) fn issued(changes: &mut Changes, id: Id<Event>, license: &License, at: Timestamp) {
    let (kind, account) = (EventType::LicenseIssued, license.account);
    changes.events.push(Change::Insert(Event::new(id, kind, account, license.id.into(), at)));
}

/// Up to where somebody has read the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(rename = "s")]
    seq: u64,
    /// The id of the event there: where an account's own list is looked at.
    #[serde(rename = "i")]
    id: u64,
}

impl Place {
    fn of(event: &Event, before: Self) -> Self {
        Self { seq: event.seq.unwrap_or(before.seq), id: event.id.number() }
    }
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPage {
    /// The events, in order.
    pub events: Vec<Told>,
    /// Up to where this page goes.
    pub place: Place,
    /// Whether there was more when it was read.
    pub more: bool,
}

/// What an event tells of the thing that it is about: which it is, and its state by now.
pub fn data(told: &Told) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("object".into(), told.event.kind.object().as_str().into());
    data.insert("id".into(), told.event.subject_name().into());
    if let Some(state) = &told.state {
        data.insert("state".into(), state.as_str().into());
    }
    data
}

/// An event as webhooks are told it.
pub(crate) fn body(told: &Told) -> Value {
    let mut data = data(told);
    data.insert("event".into(), told.event.id.to_string().into());
    if let Some(account) = told.event.owner() {
        data.insert("account".into(), account.to_string().into());
    }
    json!({ "type": told.event.kind, "timestamp": told.event.at, "data": data })
}

impl Engine {
    /// Publishes a page of what was committed, the oldest first. Gives how many there were; ask again until there
    /// are none.
    pub async fn publish(&self) -> Result<usize, Fault> {
        let events: Vec<_> =
            self.store.unpublished(PAGE).await?.iter().map(|event| event.id).collect();
        if events.is_empty() {
            return Ok(0);
        }
        let Ok(published) = self.submit(Publish { events }).await?;
        Ok(published)
    }

    /// A page of the feed after a place: of one account, or of all; of one kind, if that is given.
    pub async fn feed(
        &self,
        whose: Option<Id<Account>>,
        kind: Option<EventType>,
        after: Place,
        limit: u32,
    ) -> Result<FeedPage, Fault> {
        let scan = if kind.is_some() { SCAN } else { limit };
        let read = match whose {
            Some(account) => self.own(account, after, scan).await?,
            None => self.store.told_between(after.seq, Id::<Event>::MAX, scan).await?,
        };
        let full = read.len() >= usize::try_from(scan).unwrap_or(usize::MAX);
        Ok(cut(read, full, kind, after, limit))
    }

    async fn own(&self, account: Id<Account>, after: Place, scan: u32) -> Result<Vec<Told>, Fault> {
        let from = Id::new(after.id).unwrap_or(Id::floor(Timestamp::default())).before(OVERTAKEN);
        let page = self.store.told_of(account, (from, WINDOW), after.seq, scan).await?;
        if page.len() >= usize::try_from(scan).unwrap_or(usize::MAX) {
            return Ok(page);
        }
        // The window may end before the page is full. At the end of the feed, which is where this mostly comes
        // to, little is left beyond it.
        self.store.told_of(account, (from, u32::MAX), after.seq, scan).await
    }
}

/// Of what was read, at most `limit` of the kind, and up to where that goes.
fn cut(read: Vec<Told>, full: bool, kind: Option<EventType>, after: Place, limit: u32) -> FeedPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = read.len();
    let mut page = FeedPage { events: Vec::new(), place: after, more: full };
    for (told, looked_at) in read.into_iter().zip(1..) {
        page.place = Place::of(&told.event, page.place);
        if kind.is_none_or(|kind| kind == told.event.kind) {
            page.events.push(told);
            if page.events.len() == limit {
                page.more = full || looked_at < count;
                break;
            }
        }
    }
    page
}

struct Publish {
    events: Vec<Id<Event>>,
}

impl Command for Publish {
    /// How many got a place.
    type Receipt = usize;
    type Refusal = std::convert::Infallible;

    fn wants(&self, wants: &mut Wants) {
        wants.feed.guard((Feed::ONLY,));
        self.events.iter().for_each(|event| wants.events.read((*event,)));
    }

    fn decide(&self, books: &Books, _: Timestamp) -> Result<Decision<usize, Self::Refusal>, Fault> {
        let mut changes = Changes::default();
        let mut feed = feed(books)?.clone();
        for id in &self.events {
            // Another server may have published it meanwhile.
            let Some(event) = books.events.get(&(*id,))?.filter(|event| event.seq.is_none()) else {
                continue;
            };
            let next = feed.last.checked_add(1);
            feed.last = next.ok_or_else(|| Fault::Bug("the feed is full".into()))?;
            let published = Event { seq: Some(feed.last), ..event.clone() };
            changes.events.push(Change::Update(published));
        }
        let published = changes.events.len();
        if published > 0 {
            changes.feed.push(Change::Update(feed));
        }
        Ok(Decision::done(published, changes))
    }
}

/// How far events are published, which must have been asked for.
pub(crate) fn feed(books: &Books) -> Result<&Feed, Fault> {
    let lost = || Fault::Bug("the row of the feed is gone".into());
    books.feed.get(&(Feed::ONLY,))?.ok_or_else(lost)
}

#[cfg(test)]
mod tests {
    use scrip_domain::event::Subject;

    use super::*;

    fn told(seq: u64, kind: EventType) -> Told {
        let id = Id::new(seq + 100).unwrap();
        let event = Event::new(id, kind, Id::new(1).unwrap(), Subject(seq), Timestamp::default());
        Told { event: Event { seq: Some(seq), ..event }, state: None }
    }

    /// The places that are shown, up to where the page goes, and whether there is more.
    fn page(full: bool, kind: Option<EventType>, limit: u32) -> (Vec<u64>, u64, bool) {
        let kinds = [EventType::OrderPaid, EventType::AccountOpened, EventType::OrderPaid];
        let read = (5..).zip(kinds).map(|(seq, kind)| told(seq, kind)).collect();
        let page = cut(read, full, kind, Place { seq: 4, id: 0 }, limit);
        let seqs = page.events.iter().filter_map(|told| told.event.seq).collect();
        (seqs, page.place.seq, page.more)
    }

    #[test]
    fn a_page_goes_as_far_as_was_looked() {
        let (all, paid, other) = (None, Some(EventType::OrderPaid), Some(EventType::OrderDeclined));
        assert_eq!(page(false, all, 3), (vec![5, 6, 7], 7, false));
        assert_eq!(page(true, all, 3), (vec![5, 6, 7], 7, true));
        assert_eq!(page(false, all, 9), (vec![5, 6, 7], 7, false));
        assert_eq!(page(false, paid, 1), (vec![5], 5, true));
        assert_eq!(page(false, paid, 2), (vec![5, 7], 7, false));
        assert_eq!(page(true, paid, 9), (vec![5, 7], 7, true));
        assert_eq!(page(false, other, 9), (vec![], 7, false));
        let nothing = cut(Vec::new(), false, None, Place { seq: 4, id: 9 }, 9);
        assert_eq!((nothing.place, nothing.more), (Place { seq: 4, id: 9 }, false));
    }

    #[test]
    fn an_event_names_what_it_is_about() {
        let told = Told { state: Some("paid".into()), ..told(7, EventType::OrderPaid) };
        let told = body(&told);
        assert_eq!(told["type"], "order.paid");
        assert_eq!(told["timestamp"], "1970-01-01T00:00:00.000Z");
        let data = json!({
            "object": "order", "id": "ord_0000000000007", "state": "paid",
            "event": "evt_000000000003b", "account": "acc_0000000000001",
        });
        assert_eq!(told["data"], data);
        let opened = super::data(&super::tests::told(7, EventType::AccountOpened));
        assert_eq!(opened.get("state"), None);
        assert_eq!(opened["id"], "acc_0000000000007");
    }
}
