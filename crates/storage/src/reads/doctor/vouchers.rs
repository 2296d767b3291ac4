//! Probes of vouchers, and of what is paid offline.

use scrip_domain::top_up::TopUp;
use scrip_domain::voucher::VoucherBatch;

use super::{Probe, named};
use crate::index::VOUCHER;

pub fn probes() -> [Probe; 3] {
    [
        Probe {
            name: "remittances",
            proves: "what came for a top-up that is paid offline is the sum of its parts, and all of it makes it credited",
            subject: named::<TopUp>,
            counted: "remittances",
            rows: "SELECT u.id AS subject, u.due_received AS expected, (SELECT COALESCE(SUM(r.money_amount), 0)
                    FROM remittances r WHERE r.top_up = u.id AND r.money_unit = u.pay_unit) AS found
                    FROM top_ups u WHERE u.due_reference IS NOT NULL
                UNION ALL SELECT u.id, u.due_brought, (SELECT COALESCE(SUM(r.tokens), 0)
                    FROM remittances r WHERE r.top_up = u.id) FROM top_ups u WHERE u.due_reference IS NOT NULL
                UNION ALL SELECT u.id, CASE WHEN u.due_received = u.pay_amount THEN u.tokens ELSE 0 END,
                    CASE WHEN u.credited_at IS NOT NULL THEN u.due_brought ELSE 0 END
                    FROM top_ups u WHERE u.due_reference IS NOT NULL
                UNION ALL SELECT r.top_up, r.top_up, (SELECT u.id FROM top_ups u
                    WHERE u.id = r.top_up AND u.due_reference IS NOT NULL) FROM remittances r"
                .into(),
        },
        Probe {
            name: "vouchers",
            proves: "each batch counts its vouchers and the redeemed ones, and each of these paid a top-up of its worth",
            subject: named::<VoucherBatch>,
            counted: "vouchers",
            rows: "SELECT b.id AS subject, b.redeemed AS expected, (SELECT COUNT(*) FROM vouchers v
                    WHERE v.batch = b.id AND v.top_up IS NOT NULL) AS found FROM voucher_batches b
                UNION ALL SELECT b.id, b.count, (SELECT COUNT(*) FROM vouchers v WHERE v.batch = b.id)
                    FROM voucher_batches b
                UNION ALL SELECT v.batch, b.tokens, (SELECT u.tokens FROM top_ups u
                    WHERE u.id = v.top_up AND u.method = 'voucher' AND u.state <> 'declined')
                    FROM vouchers v LEFT JOIN voucher_batches b ON b.id = v.batch WHERE v.top_up IS NOT NULL"
                .into(),
        },
        Probe {
            name: "voucher-top-ups",
            proves: "each top-up by voucher that was not declined has one voucher, and is listed with its batch",
            subject: named::<TopUp>,
            counted: "top_ups",
            rows: format!(
                "SELECT u.id AS subject, CASE WHEN u.state = 'declined' THEN 0 ELSE 1 END AS expected,
                    (SELECT COUNT(*) FROM vouchers v JOIN by_account b ON b.account = u.account
                        AND b.kind = {VOUCHER} AND b.key = v.batch AND b.target = u.id WHERE v.top_up = u.id) AS found
                    FROM top_ups u WHERE u.method = 'voucher'
                UNION ALL SELECT b.target, b.account, (SELECT u.account FROM top_ups u JOIN vouchers v ON v.top_up = u.id
                    WHERE u.id = b.target AND v.batch = b.key) FROM by_account b WHERE b.kind = {VOUCHER}"
            )
            .into(),
        },
    ]
}
