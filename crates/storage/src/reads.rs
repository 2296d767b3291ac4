//! Everything that is read outside of a batch, by name. Each method is one text, valid on both
//! databases: parameters are numbered in the order in which they first occur.

mod account;
mod account_statement;
mod agreement;
mod auto_top_up;
mod catalog;
mod checkout;
mod coupon;
mod credit_line;
pub mod doctor;
mod event;
pub mod exchange;
pub mod journal;
mod legal;
mod letter;
mod license;
mod license_changes;
mod link;
pub mod listing;
pub(crate) mod merchant;
mod order;
mod partner;
mod payment_method;
mod purchase_request;
mod refund_request;
mod report;
mod restore;
mod staff;
pub(crate) mod statement;
mod voucher;
mod webhook;

pub use event::Told;
pub use purchase_request::RefundDocument;

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::sql;
use crate::store::Store;
use crate::table::Row;

/// A page of a list: what comes after `after`, at most `limit` of it.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The last number of the page before; `None` for the first page.
    pub after: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

impl Page {
    /// The bound for a list that goes down from the newest: the highest number of this page.
    pub(crate) fn highest(self) -> Cell<'static> {
        let after = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).saturating_sub(1);
        Cell::Int(self.after.map_or(i64::MAX, after))
    }

    pub(crate) fn limit(self) -> Cell<'static> {
        Cell::Int(i64::from(self.limit))
    }
}

/// A list of kinds of entries, for SQL.
pub(crate) fn among(kinds: &[u8]) -> String {
    let kinds: Vec<_> = kinds.iter().map(u8::to_string).collect();
    format!("IN ({})", kinds.join(", "))
}

/// The first `$3` numbers that the index lists for the account `$1` under `kinds`, by `order`, on this side of `$2`. Each
/// kind by itself is a part of the index in that order, so that no more is read than is asked for.
pub(crate) fn listed(kinds: &[u8], bound: &str, order: &str) -> String {
    let part = |kind: &u8| {
        format!(
            "SELECT x.target FROM (SELECT b.target FROM by_account b
                WHERE b.account = $1 AND b.kind = {kind} AND b.key {bound} $2 ORDER BY b.key {order} LIMIT $3) x"
        )
    };
    let parts: Vec<_> = kinds.iter().map(part).collect();
    format!(
        "SELECT y.target FROM ({}) y ORDER BY y.target {order} LIMIT $3",
        parts.join(" UNION ALL ")
    )
}

/// A list of values, for SQL, and the values; none of no values.
pub(crate) fn list_of<F: Field>(these: &[F]) -> Option<(String, Vec<Cell<'static>>)> {
    let last = these.last()?;
    // The last one again, up to a power of two: a server that keeps statements keeps few of them.
    let again = these.len().next_power_of_two().saturating_sub(these.len());
    let values = these.iter().chain(std::iter::repeat_n(last, again)).flat_map(cells);
    let values: Vec<_> = values.collect();
    let places: Vec<_> = (1..=values.len()).map(|place| format!("${place}")).collect();
    Some((places.join(", "), values))
}

/// Any field as cells.
pub(crate) fn cells<F: Field>(field: &F) -> Vec<Cell<'static>> {
    let mut cells = Vec::new();
    field.write(&mut cells);
    cells.into_iter().map(Cell::into_owned).collect()
}

impl Store {
    /// The rows of `R`'s table, as `t`, that `tail` chooses.
    pub(crate) async fn rows<R: Row>(
        &self,
        tail: &str,
        cells: Vec<Cell<'static>>,
    ) -> Result<Vec<R>, Fault> {
        let table = R::table();
        let text = format!("SELECT {} FROM {} t {tail}", sql::prefixed(&table.columns), table.name);
        self.query(table.name, text, cells, |cells: &mut Reader<'_>| R::read(cells)).await
    }

    /// The rows of `R`'s table whose `column` is one of `these`, in one read; `order` goes behind it.
    pub(crate) async fn rows_in<R: Row, F: Field>(
        &self,
        column: &str,
        these: &[F],
        order: &str,
    ) -> Result<Vec<R>, Fault> {
        let Some((list, values)) = list_of(these) else { return Ok(Vec::new()) };
        self.rows(&format!("WHERE t.{column} IN ({list}) {order}"), values).await
    }

    /// The first of them.
    pub(crate) async fn row<R: Row>(
        &self,
        tail: &str,
        cells: Vec<Cell<'static>>,
    ) -> Result<Option<R>, Fault> {
        Ok(self.rows(tail, cells).await?.into_iter().next())
    }
}
