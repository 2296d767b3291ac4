//! Probes of credit lines: what is owed is what was drawn and not repaid, in each currency.

use scrip_domain::account::Account;
use scrip_domain::credit_line::Repayment;

use super::{Probe, named};
use crate::index::REQUEST;

/// What every account ever drew and repaid, by currency. A line that changed its currency owed nothing
/// in the old one, so there the two are equal.
const MOVED: &str = "SELECT account, unit, SUM(amount) AS amount FROM (
        SELECT account, pay_unit AS unit, pay_amount AS amount FROM top_ups
            WHERE method = 'credit_line' AND state = 'credited'
        UNION ALL SELECT account, money_unit, -money_amount FROM repayments) m GROUP BY account, unit";

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "credit-lines",
            proves: "what an account owes is what its top-ups drew, without what was repaid, in each currency",
            subject: named::<Account>,
            counted: "credit_lines",
            rows: format!(
                "SELECT c.account AS subject, c.owed_debits - c.owed_credits AS expected, COALESCE(m.amount, 0) AS found
                    FROM credit_lines c LEFT JOIN ({MOVED}) m ON m.account = c.account AND m.unit = c.limit_unit
                UNION ALL SELECT m.account, 0, m.amount FROM ({MOVED}) m LEFT JOIN credit_lines c
                    ON c.account = m.account AND c.limit_unit = m.unit WHERE c.account IS NULL
                UNION ALL SELECT c.account, 1, CASE WHEN c.owed_debits >= c.owed_credits THEN 1 ELSE 0 END
                    FROM credit_lines c"
            )
            .into(),
        },
        Probe {
            name: "repayments",
            proves: "each repayment is of an account with a credit line, and names the request that booked it",
            subject: named::<Repayment>,
            counted: "repayments",
            rows: format!(
                "SELECT r.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM by_account b
                    JOIN credit_lines c ON c.account = b.account
                    WHERE b.account = r.account AND b.kind = {REQUEST} AND b.key = r.request_key AND b.target = r.id) AS found
                FROM repayments r"
            )
            .into(),
        },
    ]
}
