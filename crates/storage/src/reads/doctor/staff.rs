//! Probes of the staff.

use scrip_domain::staff::StaffMember;

use super::{Probe, named};

pub fn probes() -> [Probe; 2] {
    [
        Probe {
            name: "staff-owners",
            proves: "the roll of the staff counts the owners who have joined",
            subject: |number| format!("the roll {number}"),
            counted: "staff_roll",
            rows: "SELECT r.number AS subject, r.owners AS expected, (SELECT COUNT(*) FROM staff s
                    WHERE s.role = 'owner' AND s.joined_at IS NOT NULL AND s.ended_at IS NULL) AS found
                    FROM staff_roll r"
                .into(),
        },
        Probe {
            name: "staff-logins",
            proves: "each member of the staff who was not ended has an address to sign in with, and nobody else has",
            subject: named::<StaffMember>,
            counted: "staff",
            rows: "SELECT s.id AS subject, CASE WHEN s.ended_at IS NULL THEN 1 ELSE 0 END AS expected,
                    (SELECT COUNT(*) FROM staff_logins l WHERE l.member = s.id) AS found
                    FROM staff s
                UNION ALL SELECT l.member, 1, (SELECT COUNT(*) FROM staff s WHERE s.id = l.member)
                    FROM staff_logins l"
                .into(),
        },
    ]
}
