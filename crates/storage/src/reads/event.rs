//! Reads about events: what has no place in the feed yet, and the feed itself.

use scrip_domain::Id;
use scrip_domain::account::Account;
use scrip_domain::event::{Event, EventType, Feed};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::index::EVENTS;
use crate::reads::{cells, listed};
use crate::sql;
use crate::store::Store;
use crate::table::Row;

/// What an event is about, found by its number: an order, a request for a refund, a top-up, a purchase request, an exchange of
/// our tokens or for them, a statement, or a license. An account has no state to tell.
const SUBJECTS: &str =
    "LEFT JOIN orders o ON o.id = t.subject LEFT JOIN refund_requests q ON q.id = t.subject
     LEFT JOIN top_ups u ON u.id = t.subject
     LEFT JOIN purchase_requests p ON p.id = t.subject LEFT JOIN exchanges x ON x.id = t.subject AND x.account = t.account
     LEFT JOIN statements s ON s.id = t.subject LEFT JOIN licenses l ON l.id = t.subject";

/// The same of an exchange for our tokens, whose name is the partner's: two partners may call something so.
const INCOMING: &str = "(SELECT MIN(i.state) FROM incoming_exchanges i WHERE i.exchange = t.subject AND i.account = t.account)";

/// An event with the state of what it is about, as that is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The event.
    pub event: Event,
    /// The state, of an order, a request for a refund, a top-up, a purchase request, an exchange, a statement or a license.
    pub state: Option<String>,
}

impl Store {
    /// How far events are published.
    pub async fn feed(&self) -> Result<Option<Feed>, Fault> {
        self.row("WHERE t.number = $1", cells(&Feed::ONLY)).await
    }

    /// Events that have no place yet, the oldest first.
    pub async fn unpublished(&self, limit: u32) -> Result<Vec<Event>, Fault> {
        // By both columns of the index, so that it is not the rows that are searched.
        self.rows("WHERE t.seq IS NULL ORDER BY t.seq, t.id LIMIT $1", vec![int(limit)]).await
    }

    /// The place of the first event that was minted after `from`, if it has one.
    pub async fn seq_from(&self, from: Id<Event>) -> Result<Option<u64>, Fault> {
        let first = "WHERE t.id >= $1 AND t.seq IS NOT NULL ORDER BY t.id LIMIT 1";
        let event: Option<Event> = self.row(first, cells(&from)).await?;
        Ok(event.and_then(|event| event.seq))
    }

    /// The events with places above `after` up to `until`, in order, at most so many.
    pub async fn events_between(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Event>, Fault> {
        let bounds = [cells(&after), cells(&until), vec![int(limit)]].concat();
        self.rows("WHERE t.seq > $1 AND t.seq <= $2 ORDER BY t.seq LIMIT $3", bounds).await
    }

    /// The same, each with the state of what it is about.
    pub async fn told_between(
        &self,
        after: u64,
        until: u64,
        limit: u32,
    ) -> Result<Vec<Told>, Fault> {
        let tail = format!(
            "FROM events t {SUBJECTS} WHERE t.seq > $1 AND t.seq <= $2 ORDER BY t.seq LIMIT $3"
        );
        let bounds = [cells(&after), cells(&until), vec![int(limit)]].concat();
        self.told(&tail, bounds).await
    }

    /// The events of an account with places above `after`, in order, among the `window` oldest that it lists of those that were
    /// minted from `from` on. What tells that a license was issued is not listed: it stands beside the `order.paid` of its
    /// order, of the same commit, and is found through that.
    pub async fn told_of(
        &self,
        account: Id<Account>,
        (from, window): (Id<Event>, u32),
        after: u64,
        limit: u32,
    ) -> Result<Vec<Told>, Fault> {
        let (paid, issued) = (EventType::OrderPaid, EventType::LicenseIssued);
        // The CROSS JOINs keep SQLite to the order in which tables are named: from the orders, and not through the whole feed.
        let tail = format!(
            r#"FROM (WITH own AS (SELECT e.* FROM ({}) b JOIN events e ON e.id = b.target)
                SELECT o.* FROM own o WHERE o.seq > $4
                UNION ALL SELECT i.* FROM own o CROSS JOIN licenses g CROSS JOIN events i
                    WHERE o.kind = '{paid}' AND g."order" = o.subject
                    AND i.subject = g.id AND i.kind = '{issued}' AND i.seq > $4
                ORDER BY seq LIMIT $5) t {SUBJECTS} ORDER BY t.seq"#,
            listed(&EVENTS, ">=", "ASC")
        );
        let bounds =
            [cells(&account), cells(&from), vec![int(window)], cells(&after), vec![int(limit)]];
        self.told(&tail, bounds.concat()).await
    }

    /// An event with the state of what it is about.
    pub async fn told_event(&self, id: Id<Event>) -> Result<Option<Told>, Fault> {
        let tail = format!("FROM events t {SUBJECTS} WHERE t.id = $1");
        Ok(self.told(&tail, cells(&id)).await?.into_iter().next())
    }

    async fn told(&self, tail: &str, values: Vec<Cell<'static>>) -> Result<Vec<Told>, Fault> {
        let columns = sql::prefixed(&Event::table().columns);
        let text = format!(
            "SELECT {columns}, COALESCE(o.state, q.state, u.state, p.state, x.state, {INCOMING}, s.state, l.state) AS state {tail}"
        );
        self.query("events", text, values, |cells| {
            Ok(Told { event: Event::read(cells)?, state: cells.text()? })
        })
        .await
    }
}

fn int(limit: u32) -> Cell<'static> {
    Cell::Int(i64::from(limit))
}
