//! Figures of days: those that were kept, and what a day that was not comes to.
//!
//! What happened in a day is found over indices by time, or over the ids that can have been minted in it: ids grow with
//! time, and what is booked was named shortly before. So a day costs what happened in it, whatever lies before. Where a
//! clock was set back, ids run ahead of it for a while; how far, the leases know, and a day of that time is looked for up
//! to there.

use scrip_domain::account::Account;
use scrip_domain::ledger::{House, LedgerAccount};
use scrip_domain::report::{Counted, DayFigures, next};
use scrip_domain::{Amount, Id, Money, Span, Timestamp, Unit};

use crate::cells::{Cell, Reader};
use crate::fault::Fault;
use crate::fields::Field;
use crate::reads::cells;
use crate::store::Store;

/// How long before it is booked a row can have been named, and how far clocks of servers can be apart.
pub(crate) const APART: Span = Span::hours(1);

/// The kinds of rows that a day is counted from.
const SALES: i64 = 0;
const MOVED: i64 = 1;
const PAID: i64 = 2;
const REFUNDS: i64 = 3;
const DOWNLOADS: i64 = 4;
const ACCOUNTS: i64 = 5;

/// Whether the ledger account of this number is what a wallet can spend or what its holds have reserved, in SQL.
fn of_wallet(number: &str) -> String {
    format!(
        "({number} > -4611686018427387904 AND ({number} < 0 OR {number} >= 100) AND {number} < 4611686018427387904)"
    )
}

/// By how much wallets hold more after a transfer `t`, in SQL.
pub(crate) fn growth() -> String {
    let (credit, debit) = (of_wallet("t.credit"), of_wallet("t.debit"));
    format!(
        "CASE WHEN {credit} THEN t.amount ELSE 0 END - CASE WHEN {debit} THEN t.amount ELSE 0 END"
    )
}

/// For which time ids of what was booked before `end` can have been minted at most, in SQL, where that is later than `usual`.
pub(crate) fn ahead(end: &str, usual: &str) -> String {
    format!(
        "(SELECT MAX(s.ahead_until) FROM servers s WHERE s.ahead_from < {end} AND s.ahead_until > {usual})"
    )
}

/// What transfers `t` come to, in SQL: tokens sold, expired and taken back, and by how much wallets have grown.
pub(crate) fn moved() -> [String; 4] {
    let issued = LedgerAccount::House(House::Issued).number();
    let breakage = LedgerAccount::House(House::Breakage).number();
    [
        format!("CASE WHEN t.reason = 'top_up' AND t.debit = {issued} THEN t.amount ELSE 0 END"),
        format!("CASE WHEN t.credit = {breakage} THEN t.amount ELSE 0 END"),
        "CASE WHEN t.reason = 'clawback' THEN t.amount ELSE 0 END".to_owned(),
        growth(),
    ]
}

/// A day's counts, one row of each kind and one of each currency. $1 and $2 bound the day, $3 and $4 the ids.
fn counts() -> String {
    let issued = LedgerAccount::House(House::Issued).number();
    let [sold, expired, clawed_back, grown] = moved();
    let sum = |what: &str| format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)");
    let row = |kind: i64, cells: [String; 4], from: &str| {
        let [a, b, c, d] = cells;
        format!(
            "SELECT CAST({kind} AS BIGINT) AS kind, '' AS unit, {a} AS a, {b} AS b, {c} AS c, {d} AS d FROM {from}"
        )
    };
    let count = || "CAST(COUNT(*) AS BIGINT)".to_owned();
    let none = || "CAST(0 AS BIGINT)".to_owned();
    let within = "t.id >= $3 AND t.id < $4 AND t.at >= $1 AND t.at < $2";
    let lines = r#"(SELECT COUNT(*) FROM order_lines l WHERE l."order" = o.id)"#;
    let paid = format!(
        "SELECT CAST({PAID} AS BIGINT), p.unit, CAST(SUM(p.amount) AS BIGINT), {0}, {0}, {0} FROM (
            SELECT u.pay_unit AS unit, u.pay_amount AS amount FROM transfers t JOIN top_ups u ON u.id = t.subject
                WHERE {within} AND t.reason = 'top_up' AND t.debit = {issued} AND u.due_reference IS NULL
            UNION ALL SELECT m.money_unit, m.money_amount FROM remittances m WHERE m.at >= $1 AND m.at < $2) p
        WHERE p.unit IS NOT NULL GROUP BY p.unit",
        none()
    );
    [
        row(
            SALES,
            [count(), sum(lines), sum("o.total"), none()],
            "orders o WHERE o.paid_at >= $1 AND o.paid_at < $2",
        ),
        row(
            MOVED,
            [sum(&sold), sum(&expired), sum(&clawed_back), sum(&grown)],
            &format!("transfers t WHERE {within}"),
        ),
        paid,
        row(
            REFUNDS,
            [sum("t.amount"), none(), none(), none()],
            &format!("refunds t WHERE {within}"),
        ),
        row(
            DOWNLOADS,
            [count(), sum("f.size"), none(), none()],
            "downloads d LEFT JOIN files f ON f.id = d.file WHERE d.at >= $1 AND d.at < $2",
        ),
        row(
            ACCOUNTS,
            [count(), none(), none(), none()],
            "accounts a WHERE a.id >= $3 AND a.id < $4 AND a.created_at >= $1 AND a.created_at < $2",
        ),
    ]
    .join(" UNION ALL ")
}

/// A row of those.
struct Count {
    kind: i64,
    unit: Option<Unit>,
    cells: [i64; 4],
}

impl Count {
    fn read(cells: &mut Reader<'_>) -> Result<Self, Fault> {
        let kind = cells.int()?.ok_or_else(|| cells.corrupt())?;
        let unit = cells.text()?.and_then(|unit| Unit::parse(&unit));
        let mut cell = || cells.int().map(|cell| cell.unwrap_or(0));
        Ok(Self { kind, unit, cells: [cell()?, cell()?, cell()?, cell()?] })
    }

    fn add_to(&self, counted: &mut Counted) {
        let number = |cell: i64| u64::try_from(cell).unwrap_or(0);
        let amount = |cell: i64| Amount::new(number(cell)).unwrap_or(Amount::MAX);
        let [a, b, c, d] = self.cells;
        match self.kind {
            SALES => {
                (counted.orders, counted.lines, counted.spent) = (number(a), number(b), amount(c));
            }
            MOVED => {
                (counted.sold, counted.expired) = (amount(a), amount(b));
                (counted.clawed_back, counted.grown) = (amount(c), d);
            }
            PAID => {
                let money = self.unit.map(|unit| Money { amount: amount(a), unit });
                counted.paid.extend(money);
            }
            REFUNDS => counted.refunded = amount(a),
            DOWNLOADS => (counted.downloads, counted.bytes) = (number(a), number(b)),
            _ => counted.accounts = number(a),
        }
    }
}

impl Store {
    /// What a day comes to, whatever was kept of it.
    pub async fn count_day(&self, day: Timestamp) -> Result<Counted, Fault> {
        let end = next(day);
        let first = Id::<Account>::floor(day).before(APART);
        let last = Id::<Account>::floor(self.named_until(day).await?);
        let mut values = cells(&day);
        values.extend(cells(&end));
        values.extend([first, last].map(|id| Cell::number(id.number())));
        // Parameters are numbered in the order in which they first occur: the sales come first, which name the day.
        let found = self.query("day_figures", counts(), values, Count::read).await?;
        let mut counted = Counted::default();
        found.iter().for_each(|count| count.add_to(&mut counted));
        counted.paid.sort_unstable_by_key(|money| money.unit);
        Ok(counted)
    }

    /// For which time ids of what was booked in a day can have been minted at most.
    async fn named_until(&self, day: Timestamp) -> Result<Timestamp, Fault> {
        let text = format!("SELECT {}", ahead("$1", "$2"));
        let usual = next(day).plus(APART);
        let values = [cells(&next(day)), cells(&usual)].concat();
        let found = self.query("servers", text, values, Timestamp::read).await?;
        Ok(found.into_iter().next().flatten().unwrap_or(usual))
    }

    /// What was kept of the days from one to another, both included, in order.
    pub async fn day_figures(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<DayFigures>, Fault> {
        let mut values = cells(&from);
        values.extend(cells(&to));
        self.rows("WHERE t.day >= $1 AND t.day <= $2 ORDER BY t.day", values).await
    }

    /// The last day of which figures were kept.
    pub async fn last_day_figures(&self) -> Result<Option<DayFigures>, Fault> {
        self.row("ORDER BY t.day DESC LIMIT 1", vec![]).await
    }

    /// The last day before `before` of which figures were kept.
    pub async fn last_day_before(&self, before: Timestamp) -> Result<Option<DayFigures>, Fault> {
        self.row("WHERE t.day < $1 ORDER BY t.day DESC LIMIT 1", cells(&before)).await
    }

    /// Days from `from` on of which figures were kept, the last first, at most so many.
    pub async fn days_kept_from(
        &self,
        from: Timestamp,
        limit: u32,
    ) -> Result<Vec<DayFigures>, Fault> {
        let bounds = [cells(&from), vec![Cell::Int(i64::from(limit))]].concat();
        self.rows("WHERE t.day >= $1 ORDER BY t.day DESC LIMIT $2", bounds).await
    }

    /// When the first of all that is counted happened.
    pub async fn first_counted(&self) -> Result<Option<Timestamp>, Fault> {
        let text = "SELECT MIN(f.at) FROM (
                SELECT at FROM (SELECT at FROM transfers ORDER BY id LIMIT 1) t
                UNION ALL SELECT created_at FROM (SELECT created_at FROM accounts ORDER BY id LIMIT 1) a
                UNION ALL SELECT MIN(paid_at) FROM orders WHERE paid_at IS NOT NULL
                UNION ALL SELECT MIN(at) FROM downloads
                UNION ALL SELECT MIN(at) FROM remittances
                UNION ALL SELECT MIN(ahead_from) FROM servers) f";
        let found = self.query("transfers", text.to_owned(), vec![], Timestamp::read);
        Ok(found.await?.into_iter().next().flatten())
    }
}
