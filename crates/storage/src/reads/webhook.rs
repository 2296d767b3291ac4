//! Reads about webhooks: who is told, and what is due.

use scrip_domain::webhook::{Delivery, WebhookEndpoint};
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::{Page, cells};
use crate::store::Store;

impl Store {
    /// A webhook endpoint, also one that was removed.
    pub async fn webhook_endpoint(
        &self,
        id: Id<WebhookEndpoint>,
    ) -> Result<Option<WebhookEndpoint>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of all webhook endpoints, newest first.
    pub async fn webhook_endpoints(&self, page: Page) -> Result<Vec<WebhookEndpoint>, Fault> {
        let tail = "WHERE t.id <= $1 AND t.removed_at IS NULL ORDER BY t.id DESC LIMIT $2";
        self.row_page(tail, page).await
    }

    /// The endpoints that have something to be told at `at`, or are behind in the feed.
    pub async fn webhooks_waiting(&self, at: Timestamp) -> Result<Vec<Id<WebhookEndpoint>>, Fault> {
        let text = "SELECT w.id FROM webhook_endpoints w
            WHERE w.disabled IS NULL AND w.removed_at IS NULL
                AND (w.position < (SELECT MAX(f.last) FROM feed f)
                    OR EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint = w.id AND d.due_at <= $1))
            ORDER BY w.id";
        self.query("webhook_endpoints", text.to_owned(), cells(&at), |cells| {
            Id::read(cells)?.ok_or_else(|| cells.corrupt())
        })
        .await
    }

    /// A delivery.
    pub async fn delivery(&self, id: Id<Delivery>) -> Result<Option<Delivery>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an endpoint's deliveries, newest first.
    pub async fn deliveries_of(
        &self,
        endpoint: Id<WebhookEndpoint>,
        page: Page,
    ) -> Result<Vec<Delivery>, Fault> {
        let bounds = [cells(&endpoint), vec![page.highest(), page.limit()]].concat();
        let tail = "WHERE t.endpoint = $1 AND t.id <= $2 ORDER BY t.id DESC LIMIT $3";
        self.rows(tail, bounds).await
    }

    /// The deliveries of an endpoint that are due at `at`, those first that are due longest.
    pub async fn deliveries_due(
        &self,
        endpoint: Id<WebhookEndpoint>,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault> {
        let bounds = [cells(&endpoint), cells(&at), vec![Cell::Int(i64::from(limit))]].concat();
        let tail = "WHERE t.endpoint = $1 AND t.due_at <= $2 ORDER BY t.due_at, t.id LIMIT $3";
        self.rows(tail, bounds).await
    }

    /// How many deliveries of an endpoint are pending; where there are more than `most`, that.
    pub async fn deliveries_pending(
        &self,
        endpoint: Id<WebhookEndpoint>,
        most: u32,
    ) -> Result<u32, Fault> {
        let text = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM deliveries d
            WHERE d.endpoint = $1 AND d.due_at IS NOT NULL LIMIT $2) d";
        let bounds = [cells(&endpoint), vec![Cell::Int(i64::from(most))]].concat();
        let counts = self.query("deliveries", text.to_owned(), bounds, |cells| {
            u32::read(cells)?.ok_or_else(|| cells.corrupt())
        });
        Ok(counts.await?.into_iter().next().unwrap_or(0))
    }

    /// Deliveries that were made before `before`, the oldest first.
    pub async fn deliveries_before(
        &self,
        before: Id<Delivery>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault> {
        let bounds = [cells(&before), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.id < $1 ORDER BY t.id LIMIT $2", bounds).await
    }
}
