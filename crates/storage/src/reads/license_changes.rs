//! Reads about licenses that change: issues of their codes, extensions, reminders, what is dead.

use scrip_domain::catalog::{BundleItem, Offer, Product};
use scrip_domain::license::{License, Reissue};
use scrip_domain::order::Line;
use scrip_domain::usage::{Activation, Extension, Lease, Reminder};
use scrip_domain::{Id, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::reads::cells;
use crate::store::Store;

impl Store {
    /// The issue of a license's code with this number, from the second on.
    pub async fn reissue(
        &self,
        license: Id<License>,
        issue: u32,
    ) -> Result<Option<Reissue>, Fault> {
        let values = [cells(&license), cells(&issue)].concat();
        self.row("WHERE t.license = $1 AND t.issue = $2", values).await
    }

    /// The issue that was asked for with the idempotency key of this number.
    pub async fn reissue_asked(
        &self,
        license: Id<License>,
        request: u64,
    ) -> Result<Option<Reissue>, Fault> {
        let values = [cells(&license), cells(&request)].concat();
        self.row("WHERE t.license = $1 AND t.request = $2", values).await
    }

    /// What these lines added to licenses, in order.
    pub async fn extensions_of(&self, lines: &[Id<Line>]) -> Result<Vec<Extension>, Fault> {
        self.rows_in("line", lines, "ORDER BY t.line").await
    }

    /// What is in a bundle, in order.
    pub async fn bundle_items(&self, bundle: Id<Offer>) -> Result<Vec<BundleItem>, Fault> {
        self.rows("WHERE t.bundle = $1 ORDER BY t.place", cells(&bundle)).await
    }

    /// What is in these offers of bundles, by bundle and place.
    pub async fn items_in(&self, bundles: &[Id<Offer>]) -> Result<Vec<BundleItem>, Fault> {
        self.rows_in("bundle", bundles, "ORDER BY t.bundle, t.place").await
    }

    /// The offers of bundles that have something of `product` in them and are not retired, in order.
    pub async fn bundles_with(
        &self,
        product: Id<Product>,
        limit: u32,
    ) -> Result<Vec<Offer>, Fault> {
        let values = [cells(&product), vec![Cell::number(u64::from(limit))]].concat();
        let tail = "WHERE t.retired_at IS NULL AND t.id IN (SELECT i.bundle FROM offers o
                JOIN bundle_items i ON i.item = o.id WHERE o.product = $1)
             ORDER BY t.id LIMIT $2";
        self.rows(tail, values).await
    }

    /// The offers of a bundle that lack something: an offer in them is not current.
    pub async fn bundles_lacking(&self, product: Id<Product>) -> Result<Vec<Offer>, Fault> {
        let tail = "WHERE t.product = $1 AND EXISTS (SELECT 1 FROM bundle_items i
                JOIN offers o ON o.id = i.item WHERE i.bundle = t.id AND o.current = 0) ORDER BY t.id";
        self.rows(tail, cells(&product)).await
    }

    /// Reminders that are due at `at`, those first that are due longest.
    pub async fn reminders_due(&self, at: Timestamp, limit: u32) -> Result<Vec<Reminder>, Fault> {
        let values = [cells(&at), vec![Cell::number(u64::from(limit))]].concat();
        self.rows("WHERE t.due_at <= $1 ORDER BY t.due_at, t.license LIMIT $2", values).await
    }

    /// Licenses of which some code is dead that would be good at `at` by its time: of a product, or of all.
    pub async fn dead_codes(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Vec<License>, Fault> {
        let (values, only) = of_product(at, product, "t.product");
        let tail = format!(
            "WHERE (t.state IN ('revoked', 'suspended', 'refunded') OR t.issue > 1)
             AND (t.expires_at IS NULL OR t.expires_at > $1){only} ORDER BY t.id"
        );
        self.rows(&tail, values).await
    }

    /// Activations that ended while they may still be offline at `at`.
    pub async fn ended_activations(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Vec<Activation>, Fault> {
        let (values, only) = of_product(at, product, "l.product");
        let tail = format!(
            "JOIN licenses l ON l.id = t.license
             WHERE t.ended_at IS NOT NULL AND t.offline_until > $1{only} ORDER BY t.license, t.id"
        );
        self.rows(&tail, values).await
    }

    /// Leases that were returned before their time, which is not over at `at`.
    pub async fn returned_leases(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Vec<Lease>, Fault> {
        let (values, only) = of_product(at, product, "l.product");
        let tail = format!(
            "JOIN licenses l ON l.id = t.license
             WHERE t.returned_at IS NOT NULL AND t.expires_at > $1{only} ORDER BY t.license, t.id"
        );
        self.rows(&tail, values).await
    }

    /// Leases of machines that were deactivated, whose time is not over at `at`, and which were not returned.
    pub async fn leases_of_ended(
        &self,
        product: Option<Id<Product>>,
        at: Timestamp,
    ) -> Result<Vec<Lease>, Fault> {
        let (values, only) = of_product(at, product, "l.product");
        // No lease outlives what its machine may be offline: the index of ended machines finds them.
        let tail = format!(
            "JOIN activations a ON a.license = t.license AND a.machine = t.machine
             JOIN licenses l ON l.id = t.license
             WHERE a.ended_at IS NOT NULL AND a.offline_until > $1 AND t.returned_at IS NULL AND t.expires_at > $1{only}
             ORDER BY t.license, t.id"
        );
        self.rows(&tail, values).await
    }
}

/// A time as the first value, and the condition that `column` is this product, if it must be.
fn of_product(
    at: Timestamp,
    product: Option<Id<Product>>,
    column: &str,
) -> (Vec<Cell<'static>>, String) {
    let mut values = cells(&at);
    let Some(product) = product else { return (values, String::new()) };
    values.extend(cells(&product));
    (values, format!(" AND {column} = $2"))
}
