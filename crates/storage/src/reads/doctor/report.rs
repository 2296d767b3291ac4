//! Probes of the figures that were kept of days.

use scrip_domain::Timestamp;

use super::Probe;
use crate::reads::report::{APART, ahead, growth, moved};

/// How many days are held against the ledger: the last that were closed.
const LAST: u32 = 7;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "day-figures",
            proves: "the last days that were closed came to what the books say, and none between them is missing",
            subject: day,
            counted: "day_figures",
            rows: last_days().into(),
        },
        Probe {
            name: "day-outstanding",
            proves: "what wallets held when the last day was closed, and what moved since, is what they hold",
            subject: day,
            counted: "day_figures",
            rows: format!(
                "SELECT g.day AS subject, g.outstanding + (SELECT COALESCE(SUM({growth}), 0) FROM transfers t
                    WHERE t.id >= {ids} AND t.at >= g.day + {DAY}) AS expected,
                    (SELECT COALESCE(SUM(w.free_credits - w.free_debits + w.held_credits - w.held_debits), 0)
                        FROM wallets w) AS found
                FROM (SELECT day, outstanding FROM day_figures ORDER BY day DESC LIMIT 1) g",
                growth = growth(),
                ids = ids(&format!("g.day + {DAY} - {}", APART.as_millis())),
            )
            .into(),
        },
    ]
}

/// Each figure of each of those days.
fn last_days() -> String {
    let [sold, expired, clawed_back, grown] = moved();
    let (from, to) = ("g.day".to_owned(), format!("g.day + {DAY}"));
    let first = ids(&format!("{from} - {}", APART.as_millis()));
    let last = ids("g.named_until");
    let within = format!("t.id >= {first} AND t.id < {last} AND t.at >= {from} AND t.at < {to}");
    let moved =
        |what: &str| format!("SELECT COALESCE(SUM({what}), 0) FROM transfers t WHERE {within}");
    let paid = format!("orders o WHERE o.paid_at >= {from} AND o.paid_at < {to}");
    let lines = r#"(SELECT COUNT(*) FROM order_lines l WHERE l."order" = o.id)"#;
    let downloads = format!(
        "downloads d LEFT JOIN files f ON f.id = d.file WHERE d.at >= {from} AND d.at < {to}"
    );
    let before = format!("(SELECT y.outstanding FROM day_figures y WHERE y.day = g.day - {DAY})");
    let figures = [
        ("g.orders", format!("SELECT COUNT(*) FROM {paid}")),
        ("g.lines", format!("SELECT COALESCE(SUM({lines}), 0) FROM {paid}")),
        ("g.spent", format!("SELECT COALESCE(SUM(o.total), 0) FROM {paid}")),
        ("g.sold", moved(&sold)),
        ("g.expired", moved(&expired)),
        ("g.clawed_back", moved(&clawed_back)),
        ("g.refunded", format!("SELECT COALESCE(SUM(t.amount), 0) FROM refunds t WHERE {within}")),
        ("g.downloads", format!("SELECT COUNT(*) FROM {downloads}")),
        ("g.bytes", format!("SELECT COALESCE(SUM(f.size), 0) FROM {downloads}")),
        (
            "g.accounts",
            format!(
                "SELECT COUNT(*) FROM accounts t WHERE t.id >= {first} AND t.id < {last}
                    AND t.created_at >= {from} AND t.created_at < {to}"
            ),
        ),
        // Of the first day that was kept there is none before.
        (
            "g.outstanding",
            format!("SELECT COALESCE({before} + ({}), g.outstanding)", moved(&grown)),
        ),
    ];
    let arm = |(kept, found): (&str, String)| {
        format!("SELECT g.day AS subject, {kept} AS expected, ({found}) AS found FROM g")
    };
    let arms: Vec<String> = figures.into_iter().map(arm).collect();
    let (end, usual) = (format!("f.day + {DAY}"), format!("f.day + {DAY} + {}", APART.as_millis()));
    let until = format!("COALESCE({}, {usual}) AS named_until", ahead(&end, &usual));
    format!(
        "WITH g AS (SELECT f.*, {until} FROM day_figures f ORDER BY f.day DESC LIMIT {LAST}) {} UNION ALL
            SELECT g.day, 1, (SELECT COUNT(*) FROM day_figures y WHERE y.day = g.day - {DAY}) FROM g
                WHERE EXISTS (SELECT 1 FROM day_figures y WHERE y.day < g.day)",
        arms.join(" UNION ALL ")
    )
}

/// The first id that can have been minted at a time, in SQL: as `Id::floor` reckons it.
fn ids(at: &str) -> String {
    let since = Timestamp::parse_date("2026-01-01").unwrap_or_default().millis();
    format!("({at} - {since}) * 1048576")
}

fn day(number: u64) -> String {
    i64::try_from(number)
        .map_or_else(|_| number.to_string(), |at| Timestamp::from_millis(at).date())
}
