//! Reads about orders, licenses and downloads.

use scrip_domain::account::Account;
use scrip_domain::catalog::File;
use scrip_domain::event::Event;
use scrip_domain::ledger::Transfer;
use scrip_domain::license::License;
use scrip_domain::lot::Lot;
use scrip_domain::order::{Line, LinePayment, Order, OrderState};
use scrip_domain::refund::{Refund, RefundLine, RefundLot};
use scrip_domain::{Id, Span, Timestamp};

use crate::cells::Cell;
use crate::fault::Fault;
use crate::index::{Download, Entry, ORDERS, REQUEST, Receipt, StartedTicket, TRANSFERS};
use crate::reads::{Page, among, cells};
use crate::store::Store;

impl Store {
    /// An order.
    pub async fn order(&self, id: Id<Order>) -> Result<Option<Order>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// A page of an account's orders, newest first.
    pub async fn orders_of(&self, account: Id<Account>, page: Page) -> Result<Vec<Order>, Fault> {
        self.listed(account, &ORDERS, page).await
    }

    /// A page of all orders, newest first: of all states, or of one.
    pub async fn orders(&self, state: Option<OrderState>, page: Page) -> Result<Vec<Order>, Fault> {
        let Some(state) = state else {
            return self.row_page("WHERE t.id <= $1 ORDER BY t.id DESC LIMIT $2", page).await;
        };
        let mut values = cells(&state);
        values.extend([page.highest(), page.limit()]);
        // The index has all but those that were paid.
        let rare = if state == OrderState::Paid { "" } else { "AND t.state <> 'paid'" };
        let tail = format!("WHERE t.state = $1 {rare} AND t.id <= $2 ORDER BY t.id DESC LIMIT $3");
        self.rows(&tail, values).await
    }

    /// An order's lines, in order.
    pub async fn order_lines(&self, order: Id<Order>) -> Result<Vec<Line>, Fault> {
        self.rows(r#"WHERE t."order" = $1 ORDER BY t.id"#, cells(&order)).await
    }

    /// The lines of these orders, each order's in order.
    pub async fn lines_of(&self, orders: &[Id<Order>]) -> Result<Vec<Line>, Fault> {
        self.rows_in(r#""order""#, orders, "ORDER BY t.id").await
    }

    /// Which lots paid these lines, each line's in the order in which they paid.
    pub async fn payments_of(&self, lines: &[Id<Line>]) -> Result<Vec<LinePayment>, Fault> {
        self.rows_in("line", lines, "ORDER BY t.line, t.place, t.lot").await
    }

    /// A refund.
    pub async fn refund(&self, id: Id<Refund>) -> Result<Option<Refund>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The refunds of these orders, oldest first.
    pub async fn refunds_of(&self, orders: &[Id<Order>]) -> Result<Vec<Refund>, Fault> {
        self.rows_in(r#""order""#, orders, "ORDER BY t.id").await
    }

    /// What the refunds of these orders gave back of which line.
    pub async fn refund_lines(&self, orders: &[Id<Order>]) -> Result<Vec<RefundLine>, Fault> {
        self.rows_in(r#""order""#, orders, "ORDER BY t.refund, t.line").await
    }

    /// What the refunds of these orders gave back to which lot.
    pub async fn refund_lots(&self, orders: &[Id<Order>]) -> Result<Vec<RefundLot>, Fault> {
        self.rows_in(r#""order""#, orders, "ORDER BY t.refund, t.line, t.lot").await
    }

    /// A license.
    pub async fn license(&self, id: Id<License>) -> Result<Option<License>, Fault> {
        self.row("WHERE t.id = $1", cells(&id)).await
    }

    /// The licenses of these orders, each order's in order.
    pub async fn licenses_of_orders(&self, orders: &[Id<Order>]) -> Result<Vec<License>, Fault> {
        self.rows_in(r#""order""#, orders, "ORDER BY t.id").await
    }

    /// An order's receipt, if one was issued.
    pub async fn receipt(&self, order: Id<Order>) -> Result<Option<Receipt>, Fault> {
        self.row(r#"WHERE t."order" = $1"#, cells(&order)).await
    }

    /// The lots that paid an order, each once, oldest first.
    pub async fn lots_of_order(&self, order: Id<Order>) -> Result<Vec<Lot>, Fault> {
        self.rows(
            r#"WHERE t.id IN (
                 SELECT p.lot FROM line_payments p JOIN order_lines l ON l.id = p.line
                 WHERE l."order" = $1) ORDER BY t.id"#,
            cells(&order),
        )
        .await
    }

    /// The lines of an account's statement that are about an order, oldest first. Nothing that is
    /// about an order was posted before it was made, give or take what servers' clocks differ.
    pub async fn transfers_of_order(
        &self,
        account: Id<Account>,
        order: Id<Order>,
    ) -> Result<Vec<Transfer>, Fault> {
        let mut values = cells(&account);
        values.push(Cell::number(order.before(Span::hours(1)).number()));
        values.extend(cells(&order));
        let tail = format!(
            "JOIN by_account b ON b.target = t.id
             WHERE b.account = $1 AND b.kind {} AND b.key >= $2 AND t.subject = $3 ORDER BY t.id",
            among(&TRANSFERS)
        );
        self.rows(&tail, values).await
    }

    /// The idempotency keys of an account that name an order.
    pub async fn requests_of_order(
        &self,
        account: Id<Account>,
        order: Id<Order>,
    ) -> Result<Vec<Entry>, Fault> {
        let mut values = cells(&account);
        values.push(Cell::number(u64::from(REQUEST)));
        values.extend(cells(&order));
        self.rows("WHERE t.account = $1 AND t.kind = $2 AND t.target = $3 ORDER BY t.key", values)
            .await
    }

    /// What happened to an order, oldest first.
    pub async fn events_of_order(&self, order: Id<Order>) -> Result<Vec<Event>, Fault> {
        self.rows("WHERE t.subject = $1 ORDER BY t.id", cells(&order)).await
    }

    /// The finished downloads of an order's licenses, oldest first.
    pub async fn downloads_of_order(&self, order: Id<Order>) -> Result<Vec<Download>, Fault> {
        self.rows(
            r#"JOIN licenses l ON l.id = t.license WHERE l."order" = $1
               ORDER BY t.at, t.license, t.file"#,
            cells(&order),
        )
        .await
    }

    /// The ticket that was issued at `issued_at`, if bytes were sent with it.
    pub async fn started_ticket(
        &self,
        license: Id<License>,
        file: Id<File>,
        issued_at: Timestamp,
    ) -> Result<Option<StartedTicket>, Fault> {
        let mut values = cells(&license);
        values.extend(cells(&file));
        values.extend(cells(&issued_at));
        self.row("WHERE t.license = $1 AND t.file = $2 AND t.issued_at = $3", values).await
    }

    /// The finished downloads of a license, oldest first.
    pub async fn downloads_of(&self, license: Id<License>) -> Result<Vec<Download>, Fault> {
        self.rows("WHERE t.license = $1 ORDER BY t.at", cells(&license)).await
    }
}
