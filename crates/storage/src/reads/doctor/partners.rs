//! Probes of partners: their names, agreements, and the accounts that are linked with theirs.

use scrip_domain::agreement::Agreement;
use scrip_domain::link::{Link, LinkRequest};
use scrip_domain::partner::Partner;

use super::{Probe, named};

pub fn probes() -> [Probe; 5] {
    [names(), states(), in_force(), links(), requests()]
}

fn names() -> Probe {
    Probe {
        name: "partner-names",
        proves: "each partner is found by its address, and each account that a partner knows exists",
        subject: named::<Partner>,
        counted: "partner_urls",
        rows: "SELECT p.id AS subject, p.id AS expected, (SELECT u.partner FROM partner_urls u WHERE u.url = p.url) AS found
                FROM partners p
            UNION ALL SELECT u.partner, 1, (SELECT COUNT(*) FROM partners p WHERE p.id = u.partner AND p.url = u.url)
                FROM partner_urls u
            UNION ALL SELECT s.partner, 1, (SELECT COUNT(*) FROM partners p JOIN accounts a ON a.id = s.account
                WHERE p.id = s.partner) FROM partner_subjects s"
            .into(),
    }
}

fn states() -> Probe {
    Probe {
        name: "agreement-states",
        proves: "an agreement has the documents and times of its state, and what its partner is yet to be told is due",
        subject: named::<Agreement>,
        counted: "agreements",
        rows: "SELECT g.id AS subject, 1 AS expected, CASE WHEN CASE
                    WHEN g.state = 'proposed' THEN g.acceptance IS NULL AND g.decided_at IS NULL AND g.effective_at IS NULL
                    WHEN g.state IN ('accepted', 'superseded') THEN g.acceptance IS NOT NULL AND g.decided_at IS NOT NULL
                        AND g.effective_at IS NOT NULL
                    WHEN g.state = 'ended' THEN g.acceptance IS NOT NULL AND g.effective_at IS NOT NULL AND g.ends_at IS NOT NULL
                    ELSE g.decided_at IS NOT NULL END THEN 1 ELSE 0 END AS found FROM agreements g
            UNION ALL SELECT g.id, 1, CASE WHEN CASE
                    WHEN g.untold IS NULL THEN g.attempts = 0 AND (g.due_at IS NULL OR g.state = 'accepted')
                    WHEN g.untold IN ('proposal', 'withdrawal') THEN g.due_at IS NOT NULL AND g.proposed_by = 'us'
                    WHEN g.untold IN ('acceptance', 'decline') THEN g.due_at IS NOT NULL AND g.proposed_by = 'them'
                    ELSE g.due_at IS NOT NULL AND g.ends_at IS NOT NULL END THEN 1 ELSE 0 END FROM agreements g"
            .into(),
    }
}

fn in_force() -> Probe {
    Probe {
        name: "agreements-in-force",
        proves: "the agreement in force is accepted and the partner's own; at most one waits, and at most one proposal of each \
            side is open; their numbers are all known",
        subject: named::<Partner>,
        counted: "partners",
        rows: "SELECT p.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM agreements g WHERE g.id = p.agreement
                    AND g.partner = p.id AND g.state = 'accepted' AND COALESCE(g.untold, '') <> 'acceptance') AS found
                FROM partners p WHERE p.agreement IS NOT NULL
            UNION ALL SELECT p.id, 0, (SELECT CASE WHEN COUNT(*) <= 1 THEN 0 ELSE COUNT(*) END FROM agreements g
                WHERE g.partner = p.id AND g.state = 'accepted' AND g.id <> COALESCE(p.agreement, 0)) FROM partners p
            UNION ALL SELECT g.partner, 1, COUNT(*) FROM agreements g WHERE g.state = 'proposed'
                GROUP BY g.partner, g.proposed_by
            UNION ALL SELECT g.partner, 1, COUNT(*) FROM agreements g GROUP BY g.partner, g.version
            UNION ALL SELECT g.partner, 1, (SELECT COUNT(*) FROM partners p WHERE p.id = g.partner AND g.version <= p.version)
                FROM agreements g"
            .into(),
    }
}

fn links() -> Probe {
    Probe {
        name: "links",
        proves: "each link is an account's with a partner; who is linked is known while it is, and until the partner has heard \
            that it ended",
        subject: named::<Link>,
        counted: "links",
        rows: "SELECT l.id AS subject, 1 AS expected, (SELECT COUNT(*) FROM accounts a JOIN partners p ON p.id = l.partner
                    WHERE a.id = l.account) AS found FROM links l
            UNION ALL SELECT l.id, 1, CASE WHEN CASE
                    WHEN l.state = 'open' THEN l.subject IS NULL AND l.linked_at IS NULL AND l.due_at IS NULL
                    WHEN l.state = 'active' THEN l.subject IS NOT NULL AND l.linked_at IS NOT NULL AND l.due_at IS NULL
                    ELSE (l.subject IS NULL) = (l.due_at IS NULL) END THEN 1 ELSE 0 END FROM links l"
            .into(),
    }
}

fn requests() -> Probe {
    Probe {
        name: "link-requests",
        proves: "each request to link is a partner's; who decided is known once it was, and only who approved has a code",
        subject: named::<LinkRequest>,
        counted: "link_requests",
        rows: "SELECT r.id AS subject, CASE r.state WHEN 'open' THEN 0 ELSE 1 END AS expected,
                    (SELECT COUNT(*) FROM accounts a WHERE a.id = r.account) AS found FROM link_requests r
            UNION ALL SELECT r.id, 1, (SELECT COUNT(*) FROM partners p WHERE p.id = r.partner) FROM link_requests r
            UNION ALL SELECT r.id, 0, CASE WHEN r.code_hash IS NOT NULL AND r.state <> 'approved' THEN 1 ELSE 0 END
                FROM link_requests r"
            .into(),
    }
}
