//! The doctor's probes: silent on sound books, and each one sees the damage that it is there for.

use scrip_storage::reads::doctor::{Finding, MAX_FINDINGS, probes};
use scrip_storage::{Fault, Store};

use crate::home::Home;

const SOUND: &str = include_str!("doctor.sql");

/// What a probe must see: its name, and what a defect or a stranger did to sound books.
const DAMAGES: &[(&str, &str)] = &[
    ("conservation", "UPDATE house SET credits = credits + 1 WHERE name = 'revenue'"),
    ("conservation", "DELETE FROM wallets WHERE id = 2001"),
    ("day-figures", "UPDATE day_figures SET orders = orders + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET lines = lines + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET spent = spent + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET sold = sold + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET refunded = refunded + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET expired = expired + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET clawed_back = clawed_back + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET downloads = downloads + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET bytes = bytes + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET accounts = accounts + 1 WHERE day = 1795392000000"),
    ("day-figures", "UPDATE day_figures SET outstanding = outstanding + 1 WHERE day = 1795392000000"),
    ("day-figures", "DELETE FROM day_figures WHERE day = 1795392000000"),
    ("day-figures", "UPDATE orders SET paid_at = 1795392000000 WHERE paid_at IS NOT NULL"),
    ("day-outstanding", "UPDATE day_figures SET outstanding = outstanding + 1"),
    ("day-outstanding", "INSERT INTO transfers VALUES (29716000000000000, 1, 2001, 5, 'top_up', 1, 1795564800000)"),
    ("staff-owners", "UPDATE staff_roll SET owners = 2"),
    ("staff-owners", "UPDATE staff SET role = 'support' WHERE id = 9951"),
    ("staff-owners", "UPDATE staff SET ended_at = 5 WHERE id = 9951"),
    ("staff-logins", "DELETE FROM staff_logins WHERE member = 9952"),
    ("staff-logins", "UPDATE staff_logins SET member = 9953 WHERE member = 9952"),
    ("staff-logins", "DELETE FROM staff WHERE id = 9951"),
    ("wallet-floors", "UPDATE wallets SET free_debits = 156 WHERE id = 2001"),
    ("wallet-floors", "UPDATE wallets SET held_debits = 11 WHERE id = 2001"),
    ("wallet-counters", "UPDATE wallets SET free_debits = free_debits + 1, free_credits = free_credits + 1"),
    ("wallet-counters", "UPDATE wallets SET held_credits = held_credits + 1 WHERE id = 2001"),
    ("wallet-counters", "DELETE FROM transfers WHERE id = 6001"),
    ("house-counters", "UPDATE house SET credits = credits + 1, debits = debits + 1 WHERE name = 'issued'"),
    ("house-counters", "INSERT INTO transfers VALUES (4009, 2, 4, 5, 'purchase', 1, 1)"),
    ("lots", "UPDATE wallets SET lots = '[[5001,\"paid\",40,41,50,null,null]]' WHERE id = 2001"),
    ("lots", "UPDATE wallets SET lots = '[[5001,\"paid\",101,10,50,null,null]]' WHERE id = 2001"),
    ("lots", "UPDATE wallets SET lots = '[[5001,\"paid\",40,-1,50,null,null]]' WHERE id = 2001"),
    ("lots", "UPDATE wallets SET lots = '[[5009,\"paid\",40,10,50,null,null]]' WHERE id = 2001"),
    ("lots", "UPDATE wallets SET lots = (SELECT w.lots FROM wallets w WHERE w.id = 2001) WHERE id = 2002"),
    ("lots", "UPDATE lots SET wallet = 2003"),
    ("lots", "UPDATE lots SET kind = 'promo'"),
    ("wallet-lots", "UPDATE wallets SET lots = '[[5001,\"paid\",39,10,50,null,null]]' WHERE id = 2001"),
    ("wallet-lots", "UPDATE wallets SET lots = '[]'"),
    ("lots-spent", "UPDATE wallets SET lots = '[[5001,\"paid\",39,10,50,null,null]]' WHERE id = 2001"),
    ("lots-spent", "UPDATE wallets SET lots = '[]'"),
    ("lots-spent", "UPDATE line_payments SET amount = 59"),
    ("lots-spent", "UPDATE refund_lots SET amount = 29"),
    ("lots-spent", "UPDATE lot_changes SET amount = 14 WHERE kind = 'expired'"),
    ("lots-spent", "UPDATE lot_changes SET kind = 'expired'"),
    ("lots", "UPDATE wallets SET lots = '[[5002,\"promo\",26,0,10,900,null]]' WHERE id = 2001"),
    ("lot-seasoning", "UPDATE lots SET exchangeable_at = 7 WHERE kind = 'promo'"),
    ("lot-seasoning", "UPDATE lots SET exchangeable_at = 7 WHERE id = 5001"),
    ("lot-seasoning", "UPDATE wallets SET joined_until = 8 WHERE id = 2002"),
    ("lot-seasoning", "UPDATE wallets SET lots = REPLACE(lots, '33,0,50,null,5]', '33,0,50,null,3]')"),
    ("lot-seasoning", "UPDATE wallets SET lots = REPLACE(lots, '67,0,50,null,9]', '67,0,50,null,10]')"),
    ("lot-expiry", "UPDATE lot_changes SET amount = 14 WHERE kind = 'expired'"),
    ("lot-expiry", "UPDATE transfers SET credit = 4 WHERE id = 6001"),
    ("lot-expiry", "DELETE FROM transfers WHERE id = 4006"),
    ("lot-expiry", "UPDATE lot_changes SET lot = 5009 WHERE kind = 'expired'"),
    ("wallet-expiry", "UPDATE wallets SET next_expiry = NULL"),
    ("wallet-expiry", "UPDATE wallets SET next_expiry = 901 WHERE id = 2001"),
    ("wallet-expiry", "UPDATE wallets SET next_expiry = 900"),
    ("grants", "UPDATE transfers SET amount = 21 WHERE id = 4004"),
    ("grants", "UPDATE transfers SET subject = 5001 WHERE id = 4005"),
    ("grants", "DELETE FROM lot_changes WHERE kind = 'joined'"),
    ("refund-totals", "UPDATE refunds SET amount = 29"),
    ("refund-totals", "UPDATE refund_lines SET amount = 29"),
    ("refund-totals", "UPDATE refund_lots SET amount = 29"),
    ("refund-totals", "UPDATE transfers SET amount = 29 WHERE id = 4007"),
    ("refund-totals", "UPDATE transfers SET credit = 2002 WHERE id = 4007"),
    ("refund-totals", "UPDATE transfers SET debit = 4 WHERE id = 4007"),
    ("refund-transfers", "DELETE FROM refunds"),
    ("refund-transfers", "UPDATE transfers SET reason = 'refund' WHERE id = 6001"),
    ("refund-lines", "UPDATE refund_lines SET quantity = 3"),
    ("refund-lines", "UPDATE refund_lines SET amount = 61"),
    ("refund-lines", "UPDATE order_lines SET discount = 31 WHERE id = 7001"),
    ("refund-lines", "UPDATE refund_lines SET line = 7009"),
    ("refund-lines", "DELETE FROM refunds"),
    ("refund-lines", "UPDATE refund_lots SET line = 7002"),
    ("refund-lots", "UPDATE refund_lots SET amount = 61"),
    ("refund-lots", "UPDATE refund_lots SET lot = 5002"),
    ("refund-lots", "UPDATE refund_lots SET expired = 1"),
    ("refund-states", "UPDATE orders SET state = 'paid' WHERE id = 6001"),
    ("refund-states", "UPDATE orders SET state = 'refunded' WHERE id = 6001"),
    ("refund-states", "UPDATE refund_lines SET quantity = 2"),
    ("refund-licenses", "UPDATE licenses SET state = 'refunded'"),
    ("refund-requests", "UPDATE refund_requests SET account = 1002 WHERE id = 9401"),
    ("refund-requests", "UPDATE refund_requests SET line = 7003 WHERE id = 9401"),
    ("refund-requests", "UPDATE refund_requests SET refund = 7599 WHERE id = 9402"),
    ("refund-requests", "DROP INDEX refund_requests_open; UPDATE refund_requests SET state = 'open', decided_at = NULL, word = NULL WHERE id = 9403"),
    ("refund-requests-open", "UPDATE refund_lines SET quantity = 2"),
    ("refund-requests", "INSERT INTO refund_requests SELECT \"order\", 9409, line, account, state, covered, reason, word, refund, at, decided_at
        FROM refund_requests WHERE id = 9402"),
    ("refund-requests-open", "UPDATE refund_requests SET decided_at = NULL WHERE id = 9402"),
    ("refund-requests-open", "UPDATE refund_requests SET word = NULL WHERE id = 9403"),
    ("extensions", "DELETE FROM extensions WHERE line = 7005"),
    ("extensions", "UPDATE order_lines SET extends = NULL WHERE id = 7005"),
    ("extensions", "UPDATE extensions SET license = 8024 WHERE line = 7007"),
    ("extensions", "UPDATE orders SET state = 'declined' WHERE id = 6005"),
    ("extensions", "UPDATE licenses SET account = 1002 WHERE id = 8021"),
    ("licenses", "UPDATE order_lines SET extends = 8021 WHERE id = 7006"),
    ("license-added", "UPDATE usages SET added = 6"),
    ("license-added", "DELETE FROM usages"),
    ("license-added", "UPDATE extensions SET amount = 4 WHERE line = 7007"),
    ("license-added", "UPDATE extensions SET refunded_at = 9 WHERE line = 7007"),
    ("license-added", "INSERT INTO usages (license, added, used, leased, machines, moves, moves_since) VALUES (8021, 1, 0, 0, 0, 0, 0)"),
    ("license-ends", "UPDATE licenses SET expires_at = 5184000003 WHERE id = 8021"),
    ("license-ends", "UPDATE licenses SET expires_at = NULL WHERE id = 8021"),
    ("license-ends", "UPDATE licenses SET expires_at = 9 WHERE id = 8022"),
    ("reissues", "DELETE FROM reissues"),
    ("reissues", "UPDATE licenses SET issue = 3 WHERE id = 8021"),
    ("reissues", "UPDATE licenses SET issue = 1 WHERE id = 8021"),
    ("reminders", "UPDATE licenses SET state = 'revoked' WHERE id = 8021"),
    ("reminders", "UPDATE reminders SET due_at = due_at + 1"),
    ("reminders", "INSERT INTO reminders VALUES (8022, 5)"),
    ("bundle-lines", "DELETE FROM order_lines WHERE id = 7009"),
    ("bundle-lines", "UPDATE order_lines SET bundle = NULL WHERE id = 7008"),
    ("bundle-lines", "UPDATE order_lines SET offer = 204 WHERE id = 7009"),
    ("bundle-offers", "UPDATE offers SET current = 0 WHERE id = 206"),
    ("bundle-offers", "UPDATE offers SET current = 0 WHERE id = 205"),
    ("bundle-offers", "UPDATE products SET state = 'archived' WHERE id = 102"),
    ("bundle-offers", "UPDATE offers SET retired_at = 5 WHERE id = 205"),
    ("bundle-items", "DELETE FROM bundle_items"),
    ("bundle-items", "UPDATE products SET kind = 'service' WHERE id = 102"),
    ("bundle-items", "UPDATE bundle_items SET item = 205 WHERE place = 1"),
    ("index-licenses", "UPDATE by_account SET note = 1 WHERE target = 8023"),
    ("index-licenses", "UPDATE licenses SET state = 'revoked' WHERE id = 8023"),
    ("index-licenses", "UPDATE licenses SET terms = '{\"kind\":\"trial\",\"seconds\":1}' WHERE id = 8024"),
    ("refund-licenses", "UPDATE refunds SET licenses = 'keep'"),
    ("holds", "UPDATE wallets SET lots = '[[5001,\"paid\",40,9,50,null,null]]' WHERE id = 2001"),
    ("holds", "UPDATE holds SET state = 'voided', resolved_at = 5"),
    ("holds", "UPDATE hold_lots SET amount = 11"),
    ("top-up-transfers", "UPDATE top_ups SET tokens = 99 WHERE id = 3001"),
    ("top-up-transfers", "UPDATE top_ups SET account = 1002 WHERE id = 3001"),
    ("top-up-transfers", "UPDATE transfers SET subject = 3002 WHERE id = 4001"),
    ("top-ups-credited", "DELETE FROM transfers WHERE id = 4001"),
    ("top-ups-credited", "UPDATE top_ups SET state = 'credited' WHERE id = 3002"),
    (
        "top-ups-credited",
        "INSERT INTO transfers VALUES (4009, 1, 2001, 100, 'top_up', 3001, 1);
         INSERT INTO by_account VALUES (1001, 4, 4009, 4009, 0)",
    ),
    ("top-up-lots", "UPDATE lots SET amount = 101"),
    ("top-up-lots", "INSERT INTO lots SELECT 5003, wallet, kind, 1, 50, NULL, NULL, 0 FROM lots WHERE id = 5001"),
    ("top-up-transfers", "UPDATE remittances SET tokens = 34 WHERE id = 9101"),
    ("top-up-transfers", "UPDATE remittances SET transfer = 4012 WHERE id = 9101"),
    ("top-up-transfers", "UPDATE top_ups SET state = 'declined' WHERE id = 3005"),
    ("top-ups-credited", "DELETE FROM transfers WHERE id = 4012"),
    ("top-ups-credited", "DELETE FROM remittances WHERE id = 9103"),
    ("top-up-lots", "UPDATE top_ups SET due_brought = 31 WHERE id = 3004"),
    ("grants", "UPDATE transfers SET debit = 1 WHERE id = 4014"),
    ("grants", "UPDATE lots SET kind = 'paid' WHERE id = 5014"),
    ("remittances", "UPDATE top_ups SET due_received = 2 WHERE id = 3004"),
    ("remittances", "UPDATE top_ups SET due_brought = 29 WHERE id = 3004"),
    ("remittances", "UPDATE remittances SET money_unit = 'USD' WHERE id = 9103"),
    ("remittances", "UPDATE top_ups SET credited_at = NULL WHERE id = 3003"),
    ("remittances", "UPDATE top_ups SET credited_at = 3 WHERE id = 3004"),
    ("remittances", "DELETE FROM top_ups WHERE id = 3004"),
    ("vouchers", "UPDATE voucher_batches SET redeemed = 2"),
    ("vouchers", "UPDATE voucher_batches SET count = 3"),
    ("vouchers", "UPDATE voucher_batches SET tokens = 21"),
    ("vouchers", "UPDATE vouchers SET top_up = 3001 WHERE top_up = 3005"),
    ("vouchers", "DELETE FROM voucher_batches"),
    ("index-events", "DELETE FROM by_account WHERE kind = 13 AND key = 9503"),
    ("index-events", "UPDATE events SET account = 1002 WHERE id = 6001"),
    ("index-events", "INSERT INTO by_account VALUES (1002, 13, 9504, 9504, 0)"),
    ("index-events", "INSERT INTO by_account VALUES (1001, 13, 8001, 8001, 0)"),
    ("license-issued", "DELETE FROM events WHERE id = 8002"),
    ("license-issued", "UPDATE events SET account = 1002 WHERE id = 8001"),
    ("license-issued", "DELETE FROM events WHERE id = 6001"),
    ("license-issued", "INSERT INTO events VALUES (9505, 'license.issued', 1001, 8001, 2, NULL)"),
    ("license-issued", "INSERT INTO events VALUES (9505, 'license.issued', 1001, 8009, 2, NULL)"),
    ("feed", "UPDATE feed SET last = 3"),
    ("feed", "UPDATE events SET seq = 1 WHERE id = 6001"),
    ("feed", "UPDATE events SET seq = 3 WHERE id = 6001"),
    ("feed", "UPDATE events SET seq = 2 WHERE id = 9503"),
    ("feed", "UPDATE feed SET endpoints = 3"),
    ("feed", "INSERT INTO feed VALUES (2, 2, 2)"),
    ("webhook-deliveries", "DELETE FROM webhook_endpoints WHERE id = 9603"),
    ("webhook-deliveries", "UPDATE deliveries SET event = 9503 WHERE id = 9701"),
    ("webhook-deliveries", "UPDATE deliveries SET event = 9504 WHERE id = 9701"),
    ("webhook-deliveries", "UPDATE webhook_endpoints SET position = 3 WHERE id = 9602"),
    ("letters", "UPDATE letters SET account = 1009 WHERE id = 9801"),
    ("letters", "UPDATE letters SET due_at = NULL WHERE id = 9801"),
    ("letters", "UPDATE letters SET recipient = 'subject nobody' WHERE id = 9801"),
    ("letters", "UPDATE letters SET due_at = 9 WHERE id = 9803"),
    ("letters", "UPDATE letters SET sent_at = NULL WHERE id = 9802"),
    ("postbox", "UPDATE postbox SET position = 3"),
    ("postbox", "UPDATE postbox SET number = 2"),
    ("digests", "DELETE FROM digests; INSERT INTO digests VALUES (1009, '[\"ord_0000000000001\"]', 0, 5, 9)"),
    ("digests", "UPDATE digests SET orders = '[]'"),
    ("digests", "UPDATE warned SET account = 1009"),
    ("digests", "UPDATE digests SET more = 1, total = 0"),
    ("epochs", "DELETE FROM epochs WHERE number = 2"),
    ("epochs", "UPDATE epochs SET number = 4 WHERE number = 3"),
    ("epochs", "UPDATE reunions SET epoch = 9 WHERE state = 'reconciled'"),
    ("epochs", "UPDATE reunions SET ended_at = 1 WHERE state = 'asking'"),
    ("epochs", "UPDATE reunions SET ended_at = NULL WHERE state = 'skipped'"),
    ("epochs", "INSERT INTO epochs VALUES (4, 8, 9)"),
    ("discrepancies", "DELETE FROM discrepancies"),
    ("discrepancies", "UPDATE discrepancies SET peer = 'https://other.example'"),
    ("discrepancies", "UPDATE reunions SET listed = 1 WHERE state = 'asking'"),
    ("credit-lines", "UPDATE credit_lines SET owed_debits = 41"),
    ("credit-lines", "UPDATE repayments SET money_amount = 14"),
    ("credit-lines", "UPDATE repayments SET money_unit = 'USD'"),
    ("credit-lines", "UPDATE top_ups SET pay_amount = 39 WHERE id = 3007"),
    ("credit-lines", "DELETE FROM credit_lines"),
    ("credit-lines", "UPDATE credit_lines SET owed_debits = 0"),
    ("auto-top-ups", "UPDATE wallets SET alarm = NULL WHERE id = 2001"),
    ("auto-top-ups", "UPDATE wallets SET alarm = 6 WHERE id = 2001"),
    ("auto-top-ups", "UPDATE wallets SET alarm = 5 WHERE id = 2002"),
    ("auto-top-ups", "DELETE FROM auto_errands"),
    ("auto-top-ups", "DELETE FROM auto_top_ups WHERE account = 1001"),
    ("auto-top-ups", "UPDATE auto_top_ups SET stopped = 'declined' WHERE account = 1001"),
    ("auto-top-ups", "UPDATE auto_top_ups SET top_up = 3001 WHERE account = 1002"),
    ("repayments", "UPDATE repayments SET account = 1001"),
    ("repayments", "DELETE FROM by_account WHERE target = 9301"),
    ("voucher-top-ups", "UPDATE vouchers SET top_up = NULL"),
    ("voucher-top-ups", "UPDATE top_ups SET state = 'declined' WHERE id = 3005"),
    ("voucher-top-ups", "DELETE FROM by_account WHERE kind = 7"),
    ("voucher-top-ups", "UPDATE by_account SET key = 9209 WHERE kind = 7"),
    ("usage-machines", "UPDATE usages SET machines = 2 WHERE license = 8011"),
    ("usage-machines", "UPDATE activations SET ended_at = NULL WHERE license = 8011"),
    ("usage-machines", "UPDATE licenses SET limits = '{\"machines\":0}' WHERE id = 8011"),
    ("usage-machines", "DELETE FROM usages WHERE license = 8012"),
    ("usage-machines", "DELETE FROM licenses WHERE id = 8011"),
    ("usage-counts", "UPDATE usages SET used = 6 WHERE license = 8011"),
    ("usage-counts", "UPDATE usages SET leased = 3 WHERE license = 8011"),
    ("usage-counts", "UPDATE consumptions SET units = 4 WHERE \"key\" = 'a'"),
    ("usage-counts", "DELETE FROM consumptions WHERE \"key\" = 'a'"),
    ("usage-counts", "UPDATE leases SET used = 1 WHERE id = 8052"),
    ("usage-counts", "UPDATE leases SET returned_at = NULL WHERE id = 8052"),
    ("usage-counts", "INSERT INTO consumptions VALUES (8001, 'd', 1, NULL, 0, 9)"),
    ("usage-granted", "UPDATE usages SET used = 19 WHERE license = 8011"),
    ("usage-granted", "UPDATE licenses SET terms = '{\"kind\":\"perpetual\"}' WHERE id = 8011"),
    ("usage-granted", "UPDATE consumptions SET \"left\" = 21 WHERE \"key\" = 'a'"),
    ("leases", "UPDATE leases SET used = 5 WHERE id = 8052"),
    ("leases", "UPDATE leases SET used = NULL WHERE id = 8052"),
    ("leases", "UPDATE leases SET used = 0 WHERE id = 8051"),
    ("leases", "UPDATE leases SET units = 3 WHERE id = 8051"),
    ("leases", "UPDATE leases SET expires_at = 5 WHERE id = 8051"),
    ("leases", "DELETE FROM leases WHERE id = 8051"),
    ("leases", "DELETE FROM consumptions WHERE lease = 8051"),
    ("leases", "INSERT INTO consumptions VALUES (8011, 'd', 2, 8051, 0, 9)"),
    ("leases", "UPDATE leases SET machine = (SELECT a.machine FROM activations a WHERE a.license = 8012)"),
    ("trials", "DELETE FROM tried"),
    ("trials", "UPDATE tried SET license = 8011"),
    ("trials", "UPDATE tried SET product = 102"),
    ("trials", "UPDATE tried SET machine = (SELECT e.machine FROM leases e WHERE e.id = 8051)"),
    ("trials", "UPDATE licenses SET terms = '{\"kind\":\"perpetual\"}' WHERE id = 8012"),
    ("coupon-uses", "UPDATE coupons SET uses = 0 WHERE id = 9301"),
    ("coupon-uses", "UPDATE coupons SET max_uses = 0 WHERE id = 9301"),
    ("coupon-uses", "UPDATE coupons SET max_uses_per_account = 0 WHERE id = 9301"),
    ("coupon-uses", "UPDATE orders SET coupon_code = 'OTHER' WHERE id = 6003"),
    ("coupon-uses", "UPDATE orders SET state = 'declined' WHERE id = 6003"),
    ("coupon-uses", "UPDATE orders SET state = 'paid' WHERE id = 6002"),
    ("coupon-orders", "DELETE FROM by_account WHERE kind = 8"),
    ("coupon-orders", "UPDATE by_account SET key = 9302 WHERE kind = 8"),
    ("coupon-orders", "UPDATE orders SET coupon_id = NULL, coupon_code = NULL WHERE id = 6003"),
    ("coupon-orders", "INSERT INTO by_account VALUES (1001, 8, 9302, 6002, 0)"),
    ("coupon-orders", "DELETE FROM coupons WHERE id = 9302"),
    ("coupon-discounts", "UPDATE order_lines SET discount = 1 WHERE id = 7002"),
    ("coupon-discounts", "UPDATE order_lines SET discount = 7 WHERE id = 7003"),
    ("coupon-discounts", "UPDATE coupons SET discount_percent = 99 WHERE id = 9301"),
    ("coupon-discounts", "UPDATE coupons SET discount_amount = 3 WHERE id = 9302"),
    ("line-discounts", "UPDATE order_lines SET discount = 0 WHERE id = 7001"),
    ("line-discounts", "UPDATE order_lines SET discount = 9 WHERE id = 7003"),
    ("line-discounts", "UPDATE order_lines SET discount = -1 WHERE id = 7002"),
    ("line-discounts", "DELETE FROM orders WHERE id = 6002"),
    ("top-up-states", "UPDATE top_ups SET credited_at = NULL WHERE id = 3001"),
    ("top-up-states", "UPDATE top_ups SET credited_at = 3 WHERE id = 3002"),
    ("charges", "DELETE FROM charges"),
    ("charges", "UPDATE charges SET money_amount = 99"),
    ("charges", "UPDATE charges SET money_unit = 'USD'"),
    ("charges", "INSERT INTO charges VALUES ('demo', 'ch_2', 3001, 100, 'EUR', 1, NULL, NULL, 0, 0)"),
    ("charges", "INSERT INTO charges VALUES ('demo', 'ch_2', 3009, 100, 'EUR', 1, NULL, NULL, 0, 0)"),
    ("wallet-floors", "UPDATE wallets SET owed_credits = 71 WHERE id = 2004"),
    ("wallet-counters", "UPDATE wallets SET owed_credits = 59 WHERE id = 2004"),
    ("wallet-counters", "UPDATE wallets SET owed_debits = 71 WHERE id = 2004"),
    ("lots-spent", "UPDATE reversal_lots SET amount = 29 WHERE lot = 5021"),
    ("lots-spent", "UPDATE reversals SET state = 'won' WHERE id = 7601"),
    ("lots-spent", "UPDATE debt_payments SET amount = 9 WHERE lot = 5023"),
    ("reversals", "UPDATE reversals SET owed = 69 WHERE id = 7601"),
    ("reversals", "UPDATE reversals SET claimed = 11, money = 11 WHERE id = 7601"),
    ("reversals", "UPDATE reversals SET tokens = 101, owed = 71 WHERE id = 7601"),
    ("reversals", "DELETE FROM top_ups WHERE id = 3011"),
    ("reversals", "UPDATE reversal_lots SET reversal = 7609"),
    ("reversals", "UPDATE reversals SET settled_at = NULL WHERE id = 7602"),
    ("reversals", "UPDATE reversals SET settled_at = 9 WHERE id = 7601"),
    ("reclaimed", "UPDATE reversals SET state = 'failed' WHERE id = 7602"),
    ("reclaimed", "UPDATE transfers SET subject = 3012 WHERE id = 4029"),
    ("reclaimed", "DELETE FROM transfers WHERE id = 4024"),
    ("debts", "UPDATE reversals SET state = 'won' WHERE id = 7601"),
    ("debts", "UPDATE debt_payments SET amount = 49 WHERE lot = 5022"),
    ("debts", "UPDATE wallets SET owed_debits = 60 WHERE id = 2004"),
    ("debt-payments", "UPDATE debt_payments SET wallet = 2002"),
    ("debt-payments", "UPDATE lots SET kind = 'promo' WHERE id = 5022"),
    ("reversed-top-ups", "UPDATE top_ups SET state = 'credited' WHERE id = 3011"),
    ("reversed-top-ups", "UPDATE top_ups SET state = 'refunded' WHERE id = 3013"),
    ("reversed-top-ups", "UPDATE top_ups SET reversed = NULL WHERE id = 3013"),
    ("reversed-top-ups", "UPDATE reversals SET claimed = 2, money = 2 WHERE id = 7602"),
    ("disputes", "UPDATE credit_files SET disputed = 0"),
    ("disputes", "UPDATE accounts SET frozen_by_dispute = 1 WHERE id = 1004"),
    ("card-money", "UPDATE charges SET refunded = 0 WHERE name = 'ch_13'"),
    ("card-money", "UPDATE charges SET money_amount = 11 WHERE name = 'ch_11'"),
    ("card-money", "INSERT INTO charges VALUES ('demo', 'ch_3', 3002, 50, 'EUR', 1, NULL, NULL, 30, 19)"),
    ("index-requests", "UPDATE by_account SET target = 7609 WHERE kind = 3 AND key = 15"),
    ("errands", "UPDATE reversals SET state = 'pending', settled_at = NULL WHERE id = 7602"),
    ("errands", "DELETE FROM errands"),
    ("errands", "INSERT INTO errands VALUES (3009, 1, 0)"),
    ("conservation", "UPDATE merchants SET balance_credits = 41"),
    ("lots-spent", "UPDATE hold_lots SET amount = 39 WHERE hold = 9011"),
    ("lots-spent", "UPDATE request_refund_lots SET amount = 9"),
    ("lots-spent", "UPDATE holds SET state = 'voided' WHERE id = 9011"),
    ("merchant-counters", "UPDATE merchants SET balance_credits = 41, balance_debits = 31"),
    ("merchant-counters", "UPDATE transfers SET amount = 5 WHERE id = 4034"),
    ("merchant-transfers", "DELETE FROM merchant_transfers WHERE transfer = 4034"),
    ("merchant-transfers", "INSERT INTO merchant_transfers VALUES (9401, 4001)"),
    ("merchant-events", "UPDATE merchants SET seq = 7"),
    ("merchant-events", "DELETE FROM merchant_events WHERE seq = 2"),
    ("merchant-events", "UPDATE merchant_events SET request = 9509 WHERE seq = 1"),
    ("merchant-open", "UPDATE merchants SET open = 1"),
    ("merchant-open", "UPDATE merchants SET day_captured = 39"),
    ("payouts", "UPDATE payouts SET tokens = 15"),
    ("payouts", "DELETE FROM payouts"),
    ("payouts", "UPDATE transfers SET reason = 'fee' WHERE id = 4037"),
    ("merchant-names", "DELETE FROM merchant_urls"),
    ("merchant-names", "UPDATE merchants SET url = 'https://other.example'"),
    ("merchant-names", "UPDATE merchant_subjects SET account = 1009"),
    ("merchant-names", "UPDATE connections SET account = NULL"),
    ("request-states", "UPDATE purchase_requests SET receipt = NULL WHERE id = 9501"),
    ("request-states", "UPDATE purchase_requests SET confirmation = NULL WHERE id = 9502"),
    ("request-states", "UPDATE purchase_requests SET fulfilment = NULL WHERE id = 9501"),
    ("request-states", "UPDATE purchase_requests SET account = 1005 WHERE id = 9503"),
    ("request-states", "UPDATE purchase_requests SET state = 'lost' WHERE id = 9503"),
    ("request-states", "UPDATE purchase_requests SET state = 'refunded' WHERE id = 9501"),
    ("request-holds", "UPDATE holds SET amount = 41 WHERE id = 9011"),
    ("request-holds", "UPDATE holds SET state = 'posted' WHERE id = 9012"),
    ("request-holds", "UPDATE purchase_requests SET hold = NULL WHERE id = 9502"),
    ("request-holds", "UPDATE purchase_requests SET account = 1002 WHERE id = 9501"),
    ("request-transfers", "UPDATE purchase_requests SET fee = 5 WHERE id = 9501"),
    ("request-transfers", "UPDATE purchase_requests SET amount = 41 WHERE id = 9501"),
    ("request-transfers", "UPDATE transfers SET subject = 9502 WHERE id = 4033"),
    ("request-due", "UPDATE purchase_requests SET due_at = 7"),
    ("request-due", "UPDATE purchase_requests SET due_at = NULL WHERE id = 9502"),
    ("request-due", "UPDATE notices SET request = 9509"),
    ("request-refunds", "UPDATE purchase_requests SET refunded = 11 WHERE id = 9501"),
    ("request-refunds", "UPDATE request_refunds SET amount = 11"),
    ("request-refunds", "UPDATE request_refunds SET document = ''"),
    ("request-refunds", "UPDATE purchase_requests SET amount = 9 WHERE id = 9501"),
    ("request-refund-lots", "UPDATE request_refund_lots SET amount = 9"),
    ("request-refund-lots", "UPDATE request_refund_lots SET lot = 5001"),
    ("request-refund-lots", "UPDATE hold_lots SET amount = 9 WHERE hold = 9011"),
    ("refund-transfers", "DELETE FROM request_refunds"),
    ("index-requests", "UPDATE by_account SET target = 9509 WHERE kind = 3 AND key = 16"),
    ("exchange-states", "UPDATE exchanges SET due_at = NULL WHERE id = 10001"),
    ("exchange-states", "UPDATE exchanges SET prepared = NULL WHERE id = 10006"),
    ("exchange-states", "UPDATE exchanges SET answer = NULL WHERE id = 10002"),
    ("exchange-states", "UPDATE exchanges SET reason = NULL WHERE id = 10003"),
    ("exchange-states", "UPDATE exchanges SET written_off_at = NULL WHERE id = 10004"),
    ("exchange-states", "UPDATE exchanges SET reason = NULL WHERE id = 10005"),
    ("exchange-states", "UPDATE exchanges SET state = 'lost' WHERE id = 10001"),
    ("incoming-states", "UPDATE incoming_exchanges SET \"commit\" = NULL WHERE exchange = 20001"),
    ("incoming-states", "UPDATE incoming_exchanges SET answer = NULL WHERE exchange = 20003"),
    ("incoming-states", "UPDATE incoming_exchanges SET account = NULL WHERE exchange = 20002"),
    ("incoming-states", "UPDATE incoming_exchanges SET lot = NULL WHERE exchange = 20001"),
    ("incoming-states", "UPDATE incoming_exchanges SET cycle = 3 WHERE exchange = 20004"),
    ("incoming-states", "UPDATE incoming_exchanges SET answer = 'a' WHERE exchange = 20005"),
    ("exchange-quotes", "UPDATE exchange_quotes SET exchange = NULL WHERE id = 11001"),
    ("exchange-quotes", "UPDATE exchange_quotes SET exchange = 10001 WHERE id = 11007"),
    ("exchange-quotes", "UPDATE exchange_quotes SET figures_compensation = 99 WHERE id = 11001"),
    ("exchange-holds", "UPDATE holds SET amount = 9 WHERE id = 9021"),
    ("exchange-holds", "UPDATE holds SET state = 'posted' WHERE id = 9021"),
    ("exchange-holds", "UPDATE holds SET state = 'open' WHERE id = 9025"),
    ("exchange-holds", "UPDATE holds SET wallet = 2001 WHERE id = 9022"),
    ("exchange-holds", "DELETE FROM exchanges WHERE id = 10001"),
    ("exchange-transfers", "UPDATE transfers SET amount = 19 WHERE id = 4044"),
    ("exchange-transfers", "UPDATE exchanges SET state = 'reversed', reason = 'late' WHERE id = 10002"),
    ("exchange-transfers", "UPDATE exchanges SET state = 'fulfilled', reason = NULL WHERE id = 10003"),
    ("exchange-transfers", "DELETE FROM transfers WHERE id = 4047"),
    ("exchange-transfers", "INSERT INTO transfers VALUES (4059, -2007, 8, 8, 'exchange', 10006, 4)"),
    ("exchange-transfers", "UPDATE transfers SET subject = 20002 WHERE id = 4055"),
    ("exchange-transfers", "UPDATE incoming_exchanges SET figures_receive = 41 WHERE exchange = 20001"),
    ("exchange-transfers", "UPDATE incoming_exchanges SET state = 'late' WHERE exchange = 20001"),
    ("exchange-lots", "UPDATE lots SET kind = 'paid' WHERE id = 5042"),
    ("exchange-lots", "UPDATE incoming_exchanges SET lot = 5041 WHERE exchange = 20001"),
    ("exchanged-tokens", "UPDATE house SET credits = credits + 1, debits = debits WHERE name = 'exchanged_out'"),
    ("exchanged-tokens", "UPDATE house SET debits = debits + 1 WHERE name = 'exchanged_in'"),
    ("exchanged-tokens", "UPDATE exchanges SET figures_give = 9 WHERE id = 10006"),
    ("conservation", "UPDATE house SET debits = debits + 1 WHERE name = 'exchanged_in'"),
    ("lots-spent", "UPDATE exchanges SET state = 'fulfilled' WHERE id = 10003"),
    ("exchange-entries", "DELETE FROM partner_entries WHERE id = 12001"),
    ("exchange-entries", "UPDATE partner_entries SET amount = 301 WHERE id = 12003"),
    ("exchange-entries", "UPDATE partner_entries SET cycle = 2 WHERE id = 12001"),
    ("exchange-entries", "UPDATE partner_entries SET side = 'payable' WHERE id = 12006"),
    ("exchange-entries", "INSERT INTO partner_entries VALUES (9901, 12009, 'payable', 'reversal', 50, 10004, 1, 9)"),
    ("exchange-entries", "INSERT INTO partner_entries VALUES (9901, 12009, 'receivable', 'exchange', 60, 20002, 3, 9)"),
    ("partner-counters", "UPDATE partners SET payable_credits = 631"),
    ("partner-counters", "UPDATE partners SET payable_debits = 631"),
    ("partner-counters", "UPDATE partners SET receivable_debits = 399"),
    ("partner-counters", "UPDATE partners SET receivable_credits = 1"),
    ("partner-counters", "DELETE FROM partners"),
    ("partner-reserved", "UPDATE partners SET payable_reserved = 0"),
    ("partner-reserved", "UPDATE partners SET receivable_reserved = 61"),
    ("partner-reserved", "UPDATE incoming_exchanges SET state = 'lapsed' WHERE exchange = 20002"),
    ("exchange-days", "UPDATE partners SET day_given = 42"),
    ("exchange-days", "UPDATE partners SET day_taken = 58"),
    ("exchange-days", "UPDATE exchange_days SET given = 42"),
    ("exchange-days", "UPDATE exchange_days SET taken = 58"),
    ("index-exchanges", "DELETE FROM by_account WHERE kind = 14 AND key = 10001"),
    ("index-exchanges", "DELETE FROM exchanges WHERE id = 10006"),
    ("index-requests", "UPDATE by_account SET target = 10009 WHERE kind = 3 AND key = 17"),
    ("account-wallets", "DELETE FROM wallets WHERE id = 2002"),
    ("account-wallets", "UPDATE wallets SET account = 1001 WHERE id = 2002"),
    ("wallet-accounts", "DELETE FROM accounts WHERE id = 1002"),
    ("logins", "DELETE FROM logins WHERE account = 1002"),
    ("logins", "INSERT INTO logins (email, account, password, signed_in_at) VALUES ('second@example.org', 1001, '', NULL)"),
    ("logins", "INSERT INTO logins (email, account, password, signed_in_at) VALUES ('nobody@example.org', 1009, '', NULL)"),
    ("order-states", "UPDATE orders SET paid_at = NULL WHERE id = 6001"),
    ("order-states", "UPDATE orders SET balance_after = 3 WHERE id = 6002"),
    ("order-states", "UPDATE orders SET state = 'lost' WHERE id = 6002"),
    ("order-totals", "UPDATE orders SET total = 4 WHERE id = 6002"),
    ("order-totals", r#"DELETE FROM order_lines WHERE "order" = 6002"#),
    ("order-totals", "UPDATE order_lines SET discount = NULL WHERE id = 7002"),
    ("order-transfers", "UPDATE transfers SET amount = 59 WHERE id = 6001"),
    ("order-transfers", "UPDATE orders SET state = 'declined' WHERE id = 6001"),
    ("order-transfers", "UPDATE orders SET account = 1002 WHERE id = 6001"),
    ("orders-charged", "DELETE FROM transfers WHERE id = 6001"),
    (
        "orders-charged",
        "INSERT INTO transfers VALUES (4009, 2001, 3, 60, 'purchase', 6001, 1);
         INSERT INTO by_account VALUES (1001, 4, 4009, 4009, 0)",
    ),
    ("line-payments", "UPDATE line_payments SET amount = 59"),
    ("line-payments", "INSERT INTO line_payments VALUES (7002, 5001, 'paid', 5, 0)"),
    ("line-payments", r#"UPDATE order_lines SET "order" = 6009 WHERE id = 7002"#),
    ("line-payments", "UPDATE order_lines SET discount = 7 WHERE id = 7003"),
    ("payment-lots", "UPDATE line_payments SET lot = 5009"),
    ("payment-lots", "UPDATE line_payments SET kind = 'promo'"),
    ("payments-total", "INSERT INTO line_payments VALUES (7009, 5001, 'paid', 5, 0)"),
    ("licenses", "DELETE FROM licenses WHERE id = 8002"),
    ("licenses", "UPDATE licenses SET account = 1002 WHERE id = 8002"),
    ("licenses", "UPDATE orders SET state = 'declined' WHERE id = 6001"),
    (
        "licenses",
        "INSERT INTO licenses SELECT 8003, \"order\", line, account, product, offer, terms, limits, release, state,
             issue, kid, issued_at, expires_at FROM licenses WHERE id = 8001",
    ),
    ("license-lines", "UPDATE licenses SET line = 7009 WHERE id = 8001"),
    ("license-lines", "UPDATE orders SET state = 'draft' WHERE id = 6001"),
    ("checkout-documents", "UPDATE checkouts SET receipt = NULL WHERE \"order\" = 6102"),
    ("checkout-documents", "UPDATE checkouts SET receipt = NULL WHERE \"order\" = 6101"),
    ("checkout-documents", "UPDATE checkouts SET fulfilment = NULL WHERE \"order\" = 6101"),
    ("checkout-documents", "UPDATE checkouts SET fulfilment = NULL WHERE \"order\" = 6103"),
    ("checkout-documents", "UPDATE orders SET state = 'declined' WHERE id = 6102"),
    ("checkout-documents", "UPDATE orders SET state = 'authorized' WHERE id = 6104"),
    ("checkout-documents", "UPDATE checkouts SET reason = 'already_owned' WHERE \"order\" = 6101"),
    ("checkout-documents", "DELETE FROM orders WHERE id = 6104"),
    ("checkout-licenses", "UPDATE licenses SET state = 'valid' WHERE id = 8102"),
    ("checkout-licenses", "UPDATE licenses SET state = 'withheld' WHERE id = 8101"),
    ("checkout-licenses", "UPDATE licenses SET state = 'valid' WHERE id = 8103"),
    ("checkout-licenses", "UPDATE licenses SET state = 'withheld' WHERE id = 8011"),
    ("checkout-orders", "UPDATE orders SET account = 1001 WHERE id = 6102"),
    ("checkout-orders", "UPDATE orders SET account = NULL WHERE id = 6102"),
    ("checkout-orders", "UPDATE checkouts SET subject = 'other' WHERE \"order\" = 6101"),
    ("checkout-orders", "UPDATE orders SET paid_at = NULL WHERE id = 6101"),
    ("checkout-orders", "UPDATE orders SET state = 'captured' WHERE id = 6001"),
    ("checkout-promises", "DELETE FROM by_account WHERE kind = 16"),
    ("checkout-promises", "UPDATE by_account SET note = 1 WHERE kind = 16"),
    ("checkout-promises", "UPDATE checkouts SET reason = 'already_owned' WHERE \"order\" = 6102"),
    ("checkout-promises", "INSERT INTO by_account VALUES (1006, 16, 101, 7101, 0)"),
    ("checkout-promises", "INSERT INTO by_account VALUES (1001, 16, 101, 7102, 0)"),
    ("identities", "DELETE FROM accounts WHERE id = 1006"),
    ("order-states", "UPDATE orders SET account = NULL WHERE id = 6003"),
    ("logins", "DELETE FROM identities"),
    ("logins", "INSERT INTO logins (email, account, password, signed_in_at) VALUES ('back@example.org', 1090, '', NULL)"),
    ("erased-accounts", "UPDATE accounts SET email = 'gone@example.org' WHERE id = 1090"),
    ("erased-accounts", "UPDATE accounts SET person = '{\"name\":\"Gone\"}' WHERE id = 1090"),
    ("erased-accounts", "UPDATE accounts SET verified_at = 3 WHERE id = 1090"),
    ("erased-accounts", "UPDATE accounts SET erased_at = 5 WHERE id = 1001"),
    ("erased-accounts", "UPDATE accounts SET sweep_at = 5 WHERE id = 1001"),
    ("erased-accounts", "INSERT INTO sessions VALUES (x'05', 1090, 2090, 1, 9)"),
    ("erased-accounts", "INSERT INTO api_keys VALUES (9471, 1090, x'05', '[]', '', 1, NULL)"),
    ("erased-accounts", "UPDATE letters SET account = 1090 WHERE account IS NOT NULL"),
    ("erased-accounts", "UPDATE digests SET account = 1090"),
    ("erased-accounts", "INSERT INTO auto_errands VALUES (1090, 5)"),
    ("erased-accounts", "INSERT INTO warned VALUES (1090, 5)"),
    ("erased-accounts", "UPDATE links SET account = 1090 WHERE id = 9821"),
    ("erased-accounts", "UPDATE payment_methods SET account = 1090 WHERE name = 'pm_1'"),
    ("erased-wallets", "UPDATE wallets SET free_credits = 5 WHERE id = 2090"),
    ("erased-wallets", "INSERT INTO events (id, kind, account, subject, at, seq) VALUES (9590, 'account.erased', 1090, 1090, 3, NULL);
        INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES (9591, 1, 2090, 5, 'top_up', 1, 4);
        INSERT INTO by_account VALUES (1090, 13, 9590, 9590, 0), (1090, 4, 9591, 9591, 0)"),
    ("licenses", "DELETE FROM licenses WHERE id = 8102"),
    ("refund-totals", "UPDATE refund_lines SET amount = 9 WHERE refund = 7511"),
    ("refund-states", "UPDATE orders SET state = 'paid' WHERE id = 6101"),
    ("index-orders", "DELETE FROM by_account WHERE target = 6101"),
    ("index-licenses", "DELETE FROM by_account WHERE target = 8102"),
    ("receipts", "UPDATE receipts SET number = 2"),
    ("receipts", "INSERT INTO receipts VALUES (6002, 2, 3)"),
    ("receipts", "UPDATE receipts SET number = 0"),
    ("index-orders", "DELETE FROM by_account WHERE target = 6002"),
    ("index-orders", "DELETE FROM orders WHERE id = 6002"),
    ("index-orders", "UPDATE by_account SET account = 1002 WHERE target = 6002"),
    ("index-top-ups", "DELETE FROM by_account WHERE kind = 5 AND target = 3002"),
    ("index-top-ups", "DELETE FROM top_ups WHERE id = 3002"),
    ("index-transfers", "DELETE FROM by_account WHERE target = 6001"),
    ("index-transfers", "UPDATE by_account SET kind = 1 WHERE target = 6001"),
    ("index-events", "UPDATE by_account SET kind = 1 WHERE target = 6001"),
    ("index-orders", "INSERT INTO by_account VALUES (1001, 1, 6001, 6001, 0)"),
    ("index-transfers", "UPDATE by_account SET kind = 15 WHERE target = 6002"),
    ("index-events", "UPDATE by_account SET kind = 15 WHERE target = 6002"),
    ("index-transfers", "DELETE FROM transfers WHERE id = 4003"),
    ("index-transfers", "UPDATE by_account SET account = 1002 WHERE target = 4003"),
    ("index-licenses", "DELETE FROM by_account WHERE target = 8002"),
    ("index-licenses", "DELETE FROM licenses WHERE id = 8002"),
    ("index-licenses", "UPDATE by_account SET kind = 6 WHERE target = 8001"),
    ("index-licenses", "UPDATE licenses SET state = 'revoked' WHERE id = 8001"),
    ("index-requests", "UPDATE by_account SET target = 6009 WHERE kind = 3 AND key = 11"),
    ("index-requests", "UPDATE by_account SET account = 1002 WHERE kind = 3"),
    ("index-requests", "UPDATE by_account SET account = 1002 WHERE kind = 3 AND key = 13"),
    ("index-requests", "UPDATE transfers SET reason = 'adjustment' WHERE id = 4004"),
    ("payment-methods", "DELETE FROM customers"),
    ("payment-methods", "UPDATE customers SET processor = 'demo'"),
    ("payment-methods", "UPDATE customers SET account = 1009; UPDATE payment_methods SET account = 1009"),
    (
        "payment-methods",
        "INSERT INTO payment_methods (account, name, processor, brand, last_four, expiry_year, expiry_month, created_at)
             SELECT 1001, 'pm_' || t.id || '_' || o.id, 'stripe', 'visa', '1', 2030, 12, 0 FROM transfers t, orders o",
    ),
    ("default-payment-methods", "UPDATE payment_methods SET detach_at = 1"),
    ("default-payment-methods", "UPDATE payment_methods SET account = 1002 WHERE name = 'pm_2'"),
    ("top-up-cards", "DELETE FROM payment_methods WHERE name = 'pm_1'"),
    ("top-up-cards", "UPDATE top_ups SET account = 1002 WHERE id = 3006"),
    ("product-prices", "UPDATE offers SET price = 31 WHERE id = 201"),
    ("product-prices", "UPDATE offers SET current = 0 WHERE id IN (202, 206)"),
    ("product-prices", "UPDATE products SET price_from = NULL"),
    ("product-releases", "UPDATE products SET release = 302"),
    ("product-releases", "DELETE FROM releases WHERE id = 301"),
    ("offer-products", "UPDATE offers SET product = 109 WHERE id = 203"),
    ("offer-products", "UPDATE releases SET product = 109 WHERE id = 302"),
    ("file-releases", "DELETE FROM releases WHERE id = 301"),
    ("statement-sums", "UPDATE statements SET gross_out = 49999 WHERE id = 9971"),
    ("statement-sums", "UPDATE statements SET count_in = 2 WHERE id = 9972"),
    ("statement-sums", "UPDATE statements SET gross_in = 0 WHERE id = 9971"),
    ("statement-sums", "UPDATE exchanges SET cycle = 3 WHERE id = 9912"),
    ("statement-sums", "UPDATE exchanges SET state = 'reversed' WHERE id = 9911"),
    ("statement-sums", "UPDATE exchanges SET answer = NULL WHERE id = 9913"),
    ("statement-sums", "UPDATE incoming_exchanges SET cycle = 1 WHERE exchange = 9952"),
    ("statement-chain", "UPDATE statements SET carried_in = 1 WHERE id = 9971"),
    ("statement-chain", "UPDATE statements SET carried_out = 9998 WHERE id = 9971"),
    ("statement-chain", "UPDATE statements SET carried_out = 1000000 WHERE id = 9974"),
    ("statement-chain", "UPDATE partners SET cycle = 6 WHERE id = 9991"),
    ("statement-chain", "UPDATE statements SET cycle = 6 WHERE id = 9974"),
    ("statement-chain", "UPDATE statements SET state = 'closed' WHERE id = 9973"),
    ("statement-states", "UPDATE statements SET ours = NULL WHERE id = 9971"),
    ("statement-states", "UPDATE statements SET theirs = NULL WHERE id = 9974"),
    ("statement-states", "UPDATE statements SET agreed_at = NULL WHERE id = 9972"),
    ("statement-states", "UPDATE statements SET pay_until = NULL WHERE id = 9972"),
    ("statement-states", "UPDATE differences SET statement = 9971"),
    ("statement-entries", "UPDATE partner_entries SET amount = 29999 WHERE id = 12 AND partner = 9991"),
    ("statement-entries", "DELETE FROM partner_entries WHERE id = 11 AND partner = 9991"),
    ("statement-entries", "UPDATE partner_entries SET kind = 'payment' WHERE id = 15 AND partner = 9991"),
    ("statement-entries", "UPDATE partner_entries SET kind = 'write_off' WHERE id = 12 AND partner = 9991"),
    ("statement-entries", "UPDATE partner_entries SET cycle = 2 WHERE id = 12 AND partner = 9991"),
    ("statement-entries", "UPDATE partner_entries SET kind = 'netting' WHERE id = 6 AND partner = 9991"),
    ("statement-entries", "UPDATE statements SET state = 'sent' WHERE id = 9971"),
    ("settlements", "UPDATE settlements SET money_amount = 4 WHERE id = 9981"),
    ("settlements", "UPDATE settlements SET state = 'sent' WHERE id = 9981"),
    ("settlements", "UPDATE settlements SET receipt = NULL WHERE id = 9981"),
    ("settlements", "UPDATE settlements SET ended_at = NULL WHERE id = 9981"),
    ("settlements", "DELETE FROM settlements WHERE id = 9982"),
    ("settlements", "UPDATE settlements SET statement = 9973 WHERE id = 9982"),
    ("settlements", "UPDATE settlement_keys SET settlement = 9989"),
    ("partner-names", "DELETE FROM partner_urls WHERE partner = 9801"),
    ("partner-names", "UPDATE partners SET url = 'https://q.example' WHERE id = 9801"),
    ("partner-names", "UPDATE partner_subjects SET account = 1009"),
    ("partner-names", "UPDATE partner_subjects SET partner = 9809"),
    ("agreement-states", "UPDATE agreements SET acceptance = NULL WHERE id = 9812"),
    ("agreement-states", "UPDATE agreements SET effective_at = NULL WHERE id = 9811"),
    ("agreement-states", "UPDATE agreements SET effective_at = 9 WHERE id = 9814"),
    ("agreement-states", "UPDATE agreements SET decided_at = NULL WHERE id = 9815"),
    ("agreement-states", "UPDATE agreements SET ends_at = NULL WHERE id = 9816"),
    ("agreement-states", "UPDATE agreements SET due_at = NULL WHERE id = 9815"),
    ("agreement-states", "UPDATE agreements SET untold = 'proposal' WHERE id = 9815"),
    ("agreement-states", "UPDATE agreements SET due_at = 9 WHERE id = 9814"),
    ("agreements-in-force", "UPDATE partners SET agreement = 9811 WHERE id = 9801"),
    ("agreements-in-force", "UPDATE partners SET agreement = NULL WHERE id = 9801"),
    ("agreements-in-force", "UPDATE agreements SET partner = 9809 WHERE id = 9812"),
    ("agreements-in-force", "UPDATE agreements SET state = 'proposed' WHERE id = 9815"),
    ("agreements-in-force", "UPDATE agreements SET version = 1 WHERE id = 9812"),
    ("agreements-in-force", "UPDATE partners SET version = 5 WHERE id = 9801"),
    ("links", "UPDATE links SET account = 1009 WHERE id = 9821"),
    ("links", "UPDATE links SET partner = 9809 WHERE id = 9821"),
    ("links", "UPDATE links SET subject = NULL WHERE id = 9821"),
    ("links", "UPDATE links SET due_at = NULL WHERE id = 9822"),
    ("links", "UPDATE links SET subject = 's' WHERE id = 9823"),
    ("link-requests", "UPDATE link_requests SET account = NULL WHERE id = 9831"),
    ("link-requests", "UPDATE link_requests SET account = 1001 WHERE id = 9832"),
    ("link-requests", "UPDATE link_requests SET partner = 9809 WHERE id = 9832"),
    ("link-requests", "UPDATE link_requests SET state = 'declined' WHERE id = 9831"),
];

pub async fn empty_books_are_sound(home: &Home) {
    let store = home.start().await;
    assert_eq!(sick(&store).await, Vec::<String>::new());
}

pub async fn sound_books_are_found_sound(home: &Home) {
    let store = home.start().await;
    home.execute(&sound(home)).await;
    assert_eq!(sick(&store).await, Vec::<String>::new());
    for probe in probes() {
        assert!(store.examine(&probe).await.unwrap().rows > 0, "{} examined nothing", probe.name);
    }
}

/// On the second of the days that were kept something was booked whose name is of two days later: a clock had been set back.
const SET_BACK: &str = "
    INSERT INTO servers (number, ceiling, ahead_from, ahead_until) VALUES (9, 1, 1795428000000, 1795611600000);
    INSERT INTO transfers VALUES (29761103462400000, 1, 2001, 5, 'top_up', 1, 1795435200000);
    UPDATE wallets SET free_credits = free_credits + 5 WHERE id = 2001;
    UPDATE day_figures SET sold = 5 WHERE day = 1795392000000;
    UPDATE day_figures SET outstanding = outstanding + 5 WHERE day >= 1795392000000";

pub async fn a_day_of_a_clock_that_was_set_back_is_found_right(home: &Home) {
    let store = home.start().await;
    home.execute(&sound(home)).await;
    home.execute(SET_BACK).await;
    let of_days = async || -> Vec<String> {
        let sick = sick(&store).await;
        sick.into_iter().filter(|name| name.starts_with("day-")).collect()
    };
    assert!(of_days().await.is_empty());
    home.execute("DELETE FROM servers WHERE number = 9").await;
    assert_eq!(of_days().await, ["day-figures"], "found as far as ids are known to have run ahead");
}

pub async fn each_probe_sees_its_damage(home: &Home) {
    let (store, all) = (home.start().await, probes());
    for (name, damage) in DAMAGES {
        home.execute(&sound(home)).await;
        home.execute(&unguarded(home, damage)).await;
        let probe = all.iter().find(|probe| probe.name == *name).expect("a probe of this name");
        let found = store.examine(probe).await.unwrap().findings;
        assert!(!found.is_empty(), "{name} missed {damage}; seen by {:?}", sick(&store).await);
    }
    for probe in all {
        assert!(
            DAMAGES.iter().any(|(name, _)| *name == probe.name),
            "{} is not tested",
            probe.name
        );
    }
}

pub async fn a_probe_tells_what_and_at_most_ten(home: &Home) {
    let store = home.start().await;
    home.execute(&sound(home)).await;
    home.execute(
        "UPDATE wallets SET lots = '[[5001,\"paid\",81,10,50,null,null]]' WHERE id = 2001",
    )
    .await;
    let all = probes();
    let probe = |wanted: &str| all.iter().find(|probe| probe.name == wanted).unwrap();
    let examined = store.examine(probe("wallet-lots")).await.unwrap();
    let subject = "wal_00000000001yh".to_owned();
    assert_eq!(examined.rows, 8);
    assert_eq!(examined.findings, [Finding { subject, expected: Some(80), found: Some(81) }]);
    assert_eq!(examined.findings[0].to_string(), "wal_00000000001yh: 80 expected, 81 found");
    // Expected is what the wallet itself keeps, also where it keeps something that was reckoned.
    home.execute("UPDATE wallets SET next_expiry = 901 WHERE id = 2001").await;
    let examined = store.examine(probe("wallet-expiry")).await.unwrap();
    let kept: Vec<_> = examined.findings.iter().map(|found| found.expected).collect();
    assert_eq!(kept, [Some(901)]);
    for number in 0..20 {
        home.execute(&format!(
            "INSERT INTO logins (email, account, password, signed_in_at) VALUES ('{number}@example.org', {number}, '', NULL)"
        ))
        .await;
    }
    let examined = store.examine(probe("logins")).await.unwrap();
    assert_eq!(examined.findings.len(), MAX_FINDINGS as usize);
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(
        keys.iter().map(|key| (key.kid.as_str(), key.licenses)).collect::<Vec<_>>(),
        [("k1", 11)]
    );
}

/// What is stored and cannot be reckoned with is told from a database that does not answer.
pub async fn what_cannot_be_reckoned_is_told_from_what_cannot_be_asked(home: &Home) {
    let store = home.start().await;
    home.execute(&sound(home)).await;
    let all = probes();
    let ask = async |name: &str| {
        store.examine(all.iter().find(|probe| probe.name == name).unwrap()).await
    };
    home.execute("UPDATE wallets SET lots = '[' WHERE id = 2001").await;
    let unreckoned = ask("wallet-lots").await;
    assert!(matches!(unreckoned, Err(Fault::Bug(_))), "{unreckoned:?}");
    home.execute("ALTER TABLE logins RENAME TO elsewhere").await;
    let unasked = ask("logins").await;
    assert!(matches!(unasked, Err(Fault::Unavailable(_))), "{unasked:?}");
}

/// Sound books, bytes spelled as the database wants them.
pub fn sound(home: &Home) -> String {
    match home {
        Home::Postgres { .. } => SOUND.replace("x'", "'\\x"),
        Home::Memory { .. } | Home::File { .. } => SOUND.to_owned(),
    }
}

/// The names of the probes that found something.
pub async fn sick(store: &Store) -> Vec<String> {
    let mut sick = Vec::new();
    for probe in probes() {
        let examined = store.examine(&probe).await;
        let examined = examined.unwrap_or_else(|fault| panic!("{}: {fault}", probe.name));
        if !examined.findings.is_empty() {
            sick.push(probe.name.to_owned());
        }
    }
    sick
}

/// The damage, done past the schema's own checks: what they hold back is looked for as well.
fn unguarded(home: &Home, damage: &str) -> String {
    match home {
        Home::Postgres { .. } => format!(
            "DO $$ DECLARE c record; BEGIN
                 FOR c IN SELECT conrelid::regclass AS tab, conname FROM pg_constraint WHERE contype = 'c'
                     AND conrelid::regclass::text IN ('wallets', 'lots', 'receipts', 'coupons', 'credit_lines', 'repayments',
                         'holds', 'hold_lots', 'purchase_requests', 'request_refunds', 'request_refund_lots', 'payouts', 'merchants',
                         'partners', 'partner_entries', 'exchanges', 'incoming_exchanges', 'settlements',
                         'usages', 'consumptions', 'leases', 'extensions', 'letters', 'refund_requests')
                 LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.tab, c.conname); END LOOP;
             END $$; {}",
            damage.replace("x'", "'\\x")
        ),
        Home::Memory { .. } | Home::File { .. } => {
            format!("PRAGMA ignore_check_constraints = ON; {damage}")
        }
    }
}
