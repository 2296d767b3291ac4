//! Probes of what partners owe each other for a cycle: the sums of its exchanges, the chain of what is carried, and what
//! was booked when it was paid. What only reckoning shows (digests, rounding), the engine's doctor looks at.

use scrip_domain::partner::Partner;
use scrip_domain::statement::{Settlement, Statement};

use super::{Probe, named};
use crate::reads::statement::OWED;

pub fn probes() -> [Probe; 5] {
    [sums(), chain(), states(), entries(), settlements()]
}

/// Whether a statement `s` is agreed.
const AGREED: &str = "s.state IN ('agreed', 'instructed', 'sent', 'settled', 'written_off')";

fn sums() -> Probe {
    let ours = |what: &str| {
        format!(
            "(SELECT {what} FROM exchanges x WHERE x.partner = s.partner AND x.cycle = s.cycle AND {OWED})"
        )
    };
    let theirs = |what: &str| {
        format!(
            "(SELECT {what} FROM incoming_exchanges x WHERE x.partner = s.partner AND x.cycle = s.cycle
                AND x.state = 'fulfilled')"
        )
    };
    let sum = "COALESCE(SUM(x.figures_compensation), 0)";
    Probe {
        name: "statement-sums",
        proves: "each statement holds what was exchanged in its cycle, and nothing was added to a cycle after it was closed",
        subject: named::<Statement>,
        counted: "statements",
        rows: format!(
            "SELECT s.id AS subject, s.gross_out AS expected, {} AS found FROM statements s WHERE s.state <> 'closing'
            UNION ALL SELECT s.id, s.count_out, {} FROM statements s WHERE s.state <> 'closing'
            UNION ALL SELECT s.id, s.gross_in, {} FROM statements s WHERE {AGREED}
            UNION ALL SELECT s.id, s.count_in, {} FROM statements s WHERE {AGREED}
            UNION ALL SELECT s.id, 0, (SELECT COUNT(*) FROM exchanges x WHERE x.partner = s.partner AND x.cycle = s.cycle
                AND x.answer IS NULL AND s.state <> 'closing') FROM statements s",
            ours(sum),
            ours("COUNT(*)"),
            theirs(sum),
            theirs("COUNT(*)"),
        )
        .into(),
    }
}

fn chain() -> Probe {
    Probe {
        name: "statement-chain",
        proves: "each cycle but the open one has a statement, and each begins with what the one before has carried",
        subject: named::<Partner>,
        counted: "statements",
        rows: "SELECT p.id AS subject, p.cycle - 1 AS expected, (SELECT CASE WHEN COUNT(*) = COALESCE(MAX(s.cycle), 0)
                    AND COALESCE(MIN(s.cycle), 1) = 1 THEN COUNT(*) ELSE -1 END FROM statements s WHERE s.partner = p.id) AS found
                FROM partners p
            UNION ALL SELECT s.partner, s.carried_in, COALESCE((SELECT b.carried_out FROM statements b
                WHERE b.partner = s.partner AND b.cycle = s.cycle - 1 AND b.state IN ('agreed', 'instructed', 'sent',
                'settled', 'written_off')), CASE s.cycle WHEN 1 THEN 0 END) FROM statements s WHERE s.state <> 'closing'
            UNION ALL SELECT s.partner, 0, CASE WHEN s.carried_out > -1000000 AND s.carried_out < 1000000 THEN 0 ELSE 1 END
                FROM statements s"
            .into(),
    }
}

fn states() -> Probe {
    Probe {
        name: "statement-states",
        proves: "a statement has the documents and the times that its state rests on, and one that is agreed differs in nothing",
        subject: named::<Statement>,
        counted: "statements",
        rows: format!(
            "SELECT s.id AS subject, CASE WHEN s.state = 'closing' THEN 0 WHEN s.state = 'closed' THEN 1
                    WHEN s.state = 'disputed' THEN 3 WHEN s.net = 0 THEN 7 ELSE 15 END AS expected,
                CASE WHEN s.ours IS NULL THEN 0 ELSE 1 END
                + CASE WHEN s.theirs IS NULL OR s.state IN ('closing', 'closed') THEN 0 ELSE 2 END
                + CASE WHEN s.agreed_at IS NULL THEN 0 ELSE 4 END
                + CASE WHEN s.pay_until IS NULL THEN 0 ELSE 8 END AS found
            FROM statements s
            UNION ALL SELECT s.id, 0, (SELECT COUNT(*) FROM differences d WHERE d.statement = s.id) FROM statements s
                WHERE {AGREED}"
        )
        .into(),
    }
}

fn entries() -> Probe {
    // What one side owed for the cycle and before, less what is carried on.
    let owed = |gross: &str, sign: &str| {
        format!(
            "s.{gross} + CASE WHEN {sign}s.carried_in > 0 THEN {sign}s.carried_in ELSE 0 END
                - CASE WHEN {sign}s.carried_out > 0 THEN {sign}s.carried_out ELSE 0 END"
        )
    };
    let taken = |side: &str| {
        format!(
            "(SELECT COALESCE(SUM(e.amount), 0) FROM partner_entries e WHERE e.partner = s.partner AND e.side = '{side}'
                AND e.cycle = s.cycle AND e.subject = s.id AND e.kind IN ('netting', 'payment', 'write_off'))"
        )
    };
    let kind = |kind: &str, condition: &str| {
        format!(
            "SELECT s.id, 0, (SELECT COUNT(*) FROM partner_entries e WHERE e.partner = s.partner AND e.cycle = s.cycle
                AND e.subject = s.id AND e.kind = '{kind}' AND e.side IN ('payable', 'receivable')) FROM statements s
                WHERE {condition}"
        )
    };
    let (out, back) = (owed("gross_out", ""), owed("gross_in", "-"));
    Probe {
        name: "statement-entries",
        proves: "what both owe for a cycle is booked as paid exactly when its statement is settled or given up",
        subject: named::<Statement>,
        counted: "statements",
        rows: format!(
            "SELECT s.id AS subject, CASE WHEN s.state IN ('settled', 'written_off') THEN {out} ELSE 0 END AS expected,
                {} AS found FROM statements s
            UNION ALL SELECT s.id, CASE WHEN s.state IN ('settled', 'written_off') THEN {back} ELSE 0 END, {} FROM statements s
            UNION ALL {}
            UNION ALL {}
            UNION ALL SELECT e.subject, 1, (SELECT COUNT(*) FROM statements s WHERE s.id = e.subject
                AND s.partner = e.partner AND s.cycle = e.cycle)
                FROM partner_entries e WHERE e.kind IN ('netting', 'payment', 'write_off')",
            taken("payable"),
            taken("receivable"),
            kind("write_off", "s.state <> 'written_off'"),
            kind("payment", "s.state <> 'settled'"),
        )
        .into(),
    }
}

fn settlements() -> Probe {
    Probe {
        name: "settlements",
        proves: "each payment is that of its statement: its amount, its state, and a signed receipt when it has arrived",
        subject: named::<Settlement>,
        counted: "settlements",
        rows: "SELECT p.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM statements s WHERE s.id = p.statement
                    AND s.partner = p.partner AND s.state = p.state AND p.money_amount IN (s.net, -s.net)) AS found
                FROM settlements p
            UNION ALL SELECT p.id, 0, CASE WHEN p.state = 'settled' AND (p.receipt IS NULL OR p.ended_at IS NULL) THEN 1
                    WHEN p.state IN ('instructed', 'sent') AND (p.receipt IS NOT NULL OR p.ended_at IS NOT NULL) THEN 1
                    ELSE 0 END FROM settlements p
            UNION ALL SELECT s.id, CASE WHEN s.net <> 0 AND s.state IN ('instructed', 'sent', 'settled', 'written_off')
                    THEN 1 ELSE 0 END, (SELECT COUNT(*) FROM settlements p WHERE p.statement = s.id) FROM statements s
            UNION ALL SELECT k.settlement, 1, (SELECT COUNT(*) FROM settlements p WHERE p.id = k.settlement)
                FROM settlement_keys k"
            .into(),
    }
}
