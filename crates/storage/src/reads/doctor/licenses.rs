//! Probes of licenses in use: one row counts, and what it counts is what there is.

use scrip_domain::event::EventType;
use scrip_domain::license::License;

use super::license_changes::touched;
use super::{Probe, named};

pub fn probes() -> [Probe; 6] {
    [
        Probe {
            name: "usage-machines",
            proves: "each license counts its active machines, and has no more of them than it allows",
            subject: named::<License>,
            counted: "activations",
            rows: "SELECT u.license AS subject, u.machines AS expected, (SELECT COUNT(*) FROM activations a
                    WHERE a.license = u.license AND a.ended_at IS NULL) AS found FROM usages u
                UNION ALL SELECT a.license, 1, (SELECT COUNT(*) FROM usages u WHERE u.license = a.license) FROM activations a
                UNION ALL SELECT u.license, 1, (SELECT COUNT(*) FROM license_counts l WHERE l.id = u.license
                    AND (l.machines IS NULL OR u.machines <= l.machines)) FROM usages u"
                .into(),
        },
        Probe {
            name: "usage-counts",
            proves: "what a license has used and leased is the sum of what was taken, and what is left of leases that were not returned",
            subject: named::<License>,
            counted: "consumptions",
            rows: "SELECT u.license AS subject, u.used AS expected, (SELECT COALESCE(SUM(c.units), 0) FROM consumptions c
                    WHERE c.license = u.license AND c.lease IS NULL) + (SELECT COALESCE(SUM(e.used), 0) FROM leases e
                    WHERE e.license = u.license AND e.returned_at IS NOT NULL) AS found FROM usages u
                UNION ALL SELECT u.license, u.leased, (SELECT COALESCE(SUM(e.units), 0) FROM leases e
                    WHERE e.license = u.license AND e.returned_at IS NULL) FROM usages u
                UNION ALL SELECT c.license, 1, (SELECT COUNT(*) FROM usages u WHERE u.license = c.license) FROM consumptions c"
                .into(),
        },
        granted(),
        issued(),
        Probe {
            name: "leases",
            proves: "each lease was taken once, for a machine of its license, and of none more was used than it had",
            subject: named::<License>,
            counted: "leases",
            rows: "SELECT e.license AS subject, e.units AS expected, (SELECT CASE WHEN COUNT(*) = 1 THEN MIN(c.units) END
                    FROM consumptions c WHERE c.license = e.license AND c.lease = e.id) AS found FROM leases e
                UNION ALL SELECT e.license, 0, CASE WHEN (e.used IS NULL) <> (e.returned_at IS NULL) OR e.used > e.units
                    OR e.expires_at < e.at THEN 1 ELSE 0 END FROM leases e
                UNION ALL SELECT e.license, 1, (SELECT COUNT(*) FROM activations a
                    WHERE a.license = e.license AND a.machine = e.machine) FROM leases e
                UNION ALL SELECT c.license, 1, (SELECT COUNT(*) FROM leases e
                    WHERE e.license = c.license AND e.id = c.lease) FROM consumptions c WHERE c.lease IS NOT NULL"
                .into(),
        },
        Probe {
            name: "trials",
            proves: "a machine that has a trial, and no other one, has had its trial of the product by that license",
            subject: named::<License>,
            counted: "tried",
            rows: "SELECT a.license AS subject, a.license AS expected, (SELECT t.license FROM tried t
                    WHERE t.product = l.product AND t.machine = a.machine) AS found
                    FROM activations a JOIN license_counts l ON l.id = a.license WHERE l.kind = 'trial'
                UNION ALL SELECT t.license, 1, (SELECT COUNT(*) FROM activations a JOIN license_counts l ON l.id = a.license
                    WHERE a.license = t.license AND a.machine = t.machine AND l.product = t.product
                    AND l.kind = 'trial') FROM tried t"
                .into(),
        },
    ]
}

/// Books of a version that did not tell it have licenses of which nothing is told; but a commit tells of all or of none.
fn issued() -> Probe {
    let (paid, issued) = (EventType::OrderPaid, EventType::LicenseIssued);
    Probe {
        name: "license-issued",
        proves: "that a license was issued is told beside the payment of its order, and of the licenses of an order of each once, or of none",
        subject: named::<License>,
        counted: "licenses",
        rows: format!(
            r#"SELECT i.subject AS subject, 1 AS expected, (SELECT COUNT(*) FROM licenses l
                    JOIN events p ON p.subject = l."order" AND p.kind = '{paid}' AND p.account = l.account
                    WHERE l.id = i.subject AND l.account = i.account) AS found FROM events i WHERE i.kind = '{issued}'
                UNION ALL SELECT l.id, 1, (SELECT COUNT(*) FROM events i WHERE i.subject = l.id AND i.kind = '{issued}')
                    FROM licenses l WHERE EXISTS (SELECT 1 FROM licenses o
                        JOIN events i ON i.subject = o.id AND i.kind = '{issued}' WHERE o."order" = l."order")"#
        )
        .into(),
    }
}

fn granted() -> Probe {
    Probe {
        name: "usage-granted",
        proves: "no license has given more uses or processings than were bought, but after an extension went back",
        subject: named::<License>,
        counted: "usages",
        rows: format!(
            "SELECT u.license AS subject, 0 AS expected, CASE WHEN l.count IS NULL AND (u.used > 0 OR u.leased > 0) THEN 1
                WHEN {} THEN 0
                WHEN u.used + u.leased > l.count + u.added THEN 1
                WHEN EXISTS (SELECT 1 FROM consumptions c WHERE c.license = u.license AND c.\"left\" > l.count
                    + (SELECT COALESCE(SUM(x.amount), 0) FROM extensions x WHERE x.license = u.license)) THEN 1
                ELSE 0 END AS found FROM usages u JOIN license_counts l ON l.id = u.license",
            touched("u.license")
        )
        .into(),
    }
}
