-- Sound books: one buyer topped up 100, was declined once, bought two units for 60 in one step, gave one of them
-- back, holds 10 and has an open draft; got 20 and 5 as gifts, of which 15 have expired. Another buyer
-- paid one top-up offline in two parts and a third of a second one, redeemed a promotional voucher, drew 40 on
-- credit and repaid 15. The first has an order that a coupon made free, and one of two coupons in the draft.
-- Of a third one a top-up of 100 is disputed after 70 of it were gone: 30 were taken, 70 owed, and 60 of that
-- paid by two later top-ups, half of the last of which was given back.
-- A fourth one paid 40 to a merchant, of which 10 went back, has confirmed 20 more, and is asked for 5.
-- A provider's buyer has one order that was delivered and partly given back, one whose codes are withheld, and one that was
-- given back before it was delivered; a visitor has one at the provider, and one that nobody has confirmed.
-- One of the free licenses has twenty processings, of which three were taken, two are leased, and two of a lease of four were
-- used; the other one is a trial.
-- With a partner, one buyer has an exchange in each state, and got tokens for those of its own there.
BEGIN;
DELETE FROM epochs;
DELETE FROM reunions;
DELETE FROM discrepancies;
DELETE FROM day_figures;
DELETE FROM accounts; DELETE FROM logins; DELETE FROM wallets; DELETE FROM house; DELETE FROM lots;
DELETE FROM holds; DELETE FROM hold_lots; DELETE FROM transfers; DELETE FROM top_ups; DELETE FROM charges; DELETE FROM errands; DELETE FROM products;
DELETE FROM offers; DELETE FROM releases; DELETE FROM files; DELETE FROM orders; DELETE FROM order_lines;
DELETE FROM line_payments; DELETE FROM lot_changes; DELETE FROM refunds; DELETE FROM refund_lines; DELETE FROM refund_requests;
DELETE FROM activations; DELETE FROM consumptions; DELETE FROM leases; DELETE FROM tried;
DELETE FROM reissues; DELETE FROM usages; DELETE FROM extensions; DELETE FROM reminders; DELETE FROM bundle_items;
DELETE FROM refund_lots; DELETE FROM licenses; DELETE FROM receipts; DELETE FROM by_account;
DELETE FROM remittances; DELETE FROM vouchers; DELETE FROM voucher_batches; DELETE FROM coupons;
DELETE FROM customers; DELETE FROM payment_methods;
DELETE FROM reversals; DELETE FROM reversal_lots; DELETE FROM debt_payments; DELETE FROM credit_files;
DELETE FROM partners; DELETE FROM partner_urls; DELETE FROM partner_entries; DELETE FROM exchanges;
DELETE FROM incoming_exchanges; DELETE FROM statements; DELETE FROM differences; DELETE FROM settlements;
DELETE FROM settlement_keys; DELETE FROM bank_details;
DELETE FROM partners; DELETE FROM partner_urls; DELETE FROM agreements; DELETE FROM links; DELETE FROM link_requests;
DELETE FROM partner_subjects;
DELETE FROM merchants; DELETE FROM merchant_urls; DELETE FROM merchant_keys; DELETE FROM merchant_transfers;
DELETE FROM merchant_events; DELETE FROM payouts; DELETE FROM purchase_requests; DELETE FROM request_refunds;
DELETE FROM request_refund_lots; DELETE FROM notices; DELETE FROM connections; DELETE FROM merchant_subjects;
DELETE FROM checkouts; DELETE FROM identities;
DELETE FROM auto_top_ups; DELETE FROM auto_errands; DELETE FROM credit_lines; DELETE FROM repayments;
DELETE FROM partners; DELETE FROM partner_entries; DELETE FROM exchange_quotes; DELETE FROM exchanges;
DELETE FROM incoming_exchanges; DELETE FROM exchange_days;
DELETE FROM sessions; DELETE FROM api_keys;
DELETE FROM staff; DELETE FROM staff_logins; DELETE FROM staff_roll;
DELETE FROM events; DELETE FROM feed; DELETE FROM webhook_endpoints; DELETE FROM deliveries;
DELETE FROM letters; DELETE FROM postbox; DELETE FROM digests; DELETE FROM warned;

INSERT INTO accounts (id, wallet, email, person, created_at) VALUES
    (1001, 2001, 'ada@example.org', '{}', 0), (1002, 2002, 'bob@example.org', '{}', 0);
INSERT INTO logins (email, account, password) VALUES ('ada@example.org', 1001, ''), ('bob@example.org', 1002, '');
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots, next_expiry) VALUES
    (2001, 1001, 85, 155, 0, 10, '[[5001,"paid",70,10,50,null,null],[5002,"promo",10,0,10,900,null]]', 900),
    (2002, 1002, 0, 190, 0, 0, '[[5011,"paid",33,0,50,null,5],[5012,"paid",67,0,50,null,9],[5013,"paid",30,0,50,null,null],[5014,"promo",20,0,10,null,null],[5015,"credit",40,0,50,null,null]]', NULL);
INSERT INTO house (name, debits, credits) VALUES
    ('issued', 740, 0), ('granted', 45, 0), ('revenue', 30, 60), ('breakage', 0, 85), ('reclaimed', 0, 110),
    ('fees', 0, 4), ('paid_out', 0, 16), ('exchanged_out', 35, 63), ('exchanged_in', 40, 0);
INSERT INTO lots (id, wallet, kind, amount, priority, expires_at, created_at) VALUES
    (5001, 2001, 'paid', 100, 50, NULL, 0), (5002, 2001, 'promo', 20, 10, 900, 0),
    (5011, 2002, 'paid', 33, 50, NULL, 0), (5012, 2002, 'paid', 67, 50, NULL, 0),
    (5013, 2002, 'paid', 30, 50, NULL, 0), (5014, 2002, 'promo', 20, 10, NULL, 0), (5015, 2002, 'credit', 40, 50, NULL, 0);
-- One can be exchanged when its record says, one later: tokens have joined it.
UPDATE lots SET exchangeable_at = 5 WHERE id IN (5011, 5012);
UPDATE wallets SET joined_until = 9 WHERE id = 2002;
INSERT INTO lot_changes (transfer, lot, kind, amount) VALUES (4005, 5002, 'joined', 5), (4006, 5002, 'expired', 15);
INSERT INTO holds (id, wallet, amount, reason, subject, state, created_at, expires_at) VALUES
    (9001, 2001, 10, 'purchase', 6002, 'open', 0, 1);
INSERT INTO hold_lots (hold, lot, amount) VALUES (9001, 5001, 10);
INSERT INTO top_ups (id, account, state, method, tokens, assessments, lots, created_at, credited_at) VALUES
    (3001, 1001, 'credited', 'card', 100, '[]', '[]', 0, 1), (3002, 1001, 'declined', 'demo', 50, '[]', '[]', 0, NULL),
    (3006, 1001, 'authorizing', 'card', 50, '[]', '[]', 0, NULL);
UPDATE top_ups SET pay_amount = 100, pay_unit = 'EUR' WHERE method = 'card';
UPDATE top_ups SET payment_method = 'pm_1' WHERE id = 3006;
UPDATE accounts SET person = '{"payment_method":"pm_2"}' WHERE id = 1001;
INSERT INTO customers (account, processor, name, created_at) VALUES (1001, 'stripe', 'cus_1', 0);
INSERT INTO payment_methods (account, name, processor, brand, last_four, expiry_year, expiry_month, created_at, detach_at)
    VALUES (1001, 'pm_1', 'stripe', 'visa', '4242', 2030, 12, 0, 7), (1001, 'pm_2', 'stripe', 'visa', '4444', 2031, 1, 0, NULL);
INSERT INTO charges (processor, name, top_up, money_amount, money_unit, at) VALUES ('demo', 'ch_1', 3001, 100, 'EUR', 1);
INSERT INTO errands (top_up, due_at, attempts) VALUES (3006, 1, 0);
INSERT INTO top_ups (id, account, state, method, tokens, pay_amount, pay_unit, assessments, lots, due_reference,
        due_instructions, due_received, due_brought, created_at, credited_at) VALUES
    (3003, 1002, 'credited', 'offline', 100, 3, 'EUR', '[]', '[]', 'A', '', 3, 100, 0, 2),
    (3004, 1002, 'requires_action', 'offline', 90, 3, 'EUR', '[]', '[]', 'B', '', 1, 30, 0, NULL);
INSERT INTO top_ups (id, account, state, method, tokens, assessments, lots, created_at, credited_at) VALUES
    (3005, 1002, 'credited', 'voucher', 20, '[]', '[]', 0, 1);
INSERT INTO top_ups (id, account, state, method, tokens, pay_amount, pay_unit, assessments, lots, created_at, credited_at) VALUES
    (3007, 1002, 'credited', 'credit_line', 40, 40, 'EUR', '[]', '[]', 0, 1);
INSERT INTO auto_top_ups (account, below, target, declines, day, day_count, month, month_paid, top_up) VALUES
    (1001, 5, 50, 0, 0, 0, 0, 0, NULL), (1002, 7, 70, 1, 0, 1, 0, 9, 3007);
INSERT INTO auto_errands (account, due_at) VALUES (1002, 1);
UPDATE wallets SET alarm = 5 WHERE id = 2001;
INSERT INTO credit_lines (account, limit_amount, limit_unit, owed_debits, owed_credits) VALUES (1002, 20, 'EUR', 40, 15);
INSERT INTO repayments (id, account, money_amount, money_unit, owed, note, request_key, request_fingerprint, request_id, at) VALUES
    (9301, 1002, 15, 'EUR', 25, '', 15, 81, 1, 2);
INSERT INTO remittances (top_up, id, money_amount, money_unit, tokens, transfer, note, request_key,
        request_fingerprint, request_id, at) VALUES
    (3003, 9101, 1, 'EUR', 33, 4011, '', 1, 1, 1, 1), (3003, 9102, 2, 'EUR', 67, 4012, '', 2, 2, 2, 2),
    (3004, 9103, 1, 'EUR', 30, 4013, '', 3, 3, 3, 3);
INSERT INTO voucher_batches (id, label, tokens, count, redeemed, kind, created_at) VALUES
    (9201, '', 20, 2, 1, 'promo', 0);
INSERT INTO vouchers (code, batch, top_up) VALUES (x'01', 9201, 3005), (x'02', 9201, NULL);
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4011, 1, 2002, 33, 'top_up', 3003, 1), (4012, 1, 2002, 67, 'top_up', 3003, 2),
    (4013, 1, 2002, 30, 'top_up', 3004, 3), (4014, 2, 2002, 20, 'top_up', 3005, 1),
    (4015, 1, 2002, 40, 'top_up', 3007, 1);
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4001, 1, 2001, 100, 'top_up', 3001, 1), (6001, 2001, 3, 60, 'purchase', 6001, 2),
    (4003, 2001, -2001, 10, 'hold', 9001, 3), (4004, 2, 2001, 20, 'grant', 5002, 4), (4005, 2, 2001, 5, 'grant', 5002, 5),
    (4006, 2001, 4, 15, 'expiry', 2001, 6), (4007, 3, 2001, 30, 'refund', 6001, 7);
INSERT INTO products (id, slug, kind, state, title, summary, description, labels, pictures, visibility,
        instructions, price_from, cheapest, release, version, created_at, updated_at) VALUES
    (101, 'tool', 'download', 'published', 'Tool', '', '', '{}', '[]', '{}', '', 0, 30, 301, 1, 0, 0);
INSERT INTO offers (id, product, key, price, terms, limits, current, created_at) VALUES
    (201, 101, 'once', 30, '{"kind":"perpetual"}', '{}', 1, 0), (202, 101, 'free', 0, '{"kind":"perpetual"}', '{}', 1, 0),
    (203, 101, 'old', 7, '{"kind":"perpetual"}', '{}', 0, 0);
INSERT INTO releases (id, product, version, channel, notes, manifest, published_at) VALUES
    (301, 101, '1.0', 'stable', '', '', 0), (302, 101, '1.1', 'stable', '', '', NULL);
INSERT INTO files (release, id, name, size, sha256, platform, media_type) VALUES
    (301, 401, 'tool.bin', 1, '', '', '');
INSERT INTO orders (id, account, state, total, again, checks, selected_at, expires_at, paid_at, balance_after) VALUES
    (6001, 1001, 'partially_refunded', 60, 0, '[]', 0, 1, 2, 40), (6002, 1001, 'draft', 5, 0, '[]', 0, 1, NULL, NULL),
    (6003, 1001, 'paid', 0, 0, '[]', 0, 1, 2, 40);
INSERT INTO order_lines ("order", id, offer, product, title, price, quantity, terms, limits) VALUES
    (6001, 7001, 201, 101, 'Tool', 30, 2, '{"kind":"perpetual"}', '{}'),
    (6002, 7002, 201, 101, 'Tool', 7, 1, '{"kind":"perpetual"}', '{}'),
    (6003, 7003, 203, 101, 'Tool', 4, 2, '{"kind":"perpetual"}', '{}');
INSERT INTO coupons (code, id, discount_percent, discount_amount, max_uses, products, offers, uses, created_at) VALUES
    ('FREE', 9301, 100, NULL, 1, '[]', '[]', 1, 0), ('TWO', 9302, NULL, 2, NULL, '[]', '[]', 0, 0);
UPDATE orders SET coupon_id = 9301, coupon_code = 'FREE' WHERE id = 6003;
UPDATE order_lines SET discount = 8 WHERE id = 7003;
UPDATE orders SET coupon_id = 9302, coupon_code = 'TWO' WHERE id = 6002;
UPDATE order_lines SET discount = 2 WHERE id = 7002;
INSERT INTO line_payments (line, lot, kind, amount) VALUES (7001, 5001, 'paid', 60);
INSERT INTO refunds ("order", id, transfer, amount, licenses, reason, at) VALUES (6001, 7501, 4007, 30, 'revoke', '', 7);
INSERT INTO refund_lines ("order", refund, line, quantity, amount) VALUES (6001, 7501, 7001, 1, 30);
INSERT INTO refund_lots ("order", refund, line, lot, amount, expired) VALUES (6001, 7501, 7001, 5001, 30, 0);
-- One request brought that, one was declined, and one for the other unit waits.
INSERT INTO refund_requests ("order", id, line, account, state, covered, reason, word, refund, at, decided_at) VALUES
    (6001, 9401, 7001, 1001, 'open', 1, 'why', NULL, NULL, 9, NULL), (6001, 9402, 7001, 1001, 'accepted', 1, 'why', NULL, 7501, 6, 7),
    (6001, 9403, 7001, 1001, 'declined', 0, 'why', 'no', NULL, 8, 8);
INSERT INTO licenses (id, "order", line, account, product, offer, terms, limits, state, issue, kid, issued_at) VALUES
    (8001, 6001, 7001, 1001, 101, 201, '{"kind":"perpetual"}', '{}', 'valid', 1, 'k1', 2),
    (8002, 6001, 7001, 1001, 101, 201, '{"kind":"perpetual"}', '{}', 'refunded', 1, 'k1', 2),
    (8011, 6003, 7003, 1001, 101, 203, '{"kind":"processings","count":20}', '{"machines":1}', 'valid', 1, 'k1', 2),
    (8012, 6003, 7003, 1001, 101, 203, '{"kind":"trial","seconds":60}', '{}', 'valid', 1, 'k1', 2);
UPDATE licenses SET expires_at = 99 WHERE id = 8012;
INSERT INTO usages (license, added, used, leased, machines, moves, moves_since) VALUES
    (8011, 0, 5, 2, 1, 1, 4), (8012, 0, 0, 0, 1, 0, 0);
INSERT INTO activations (license, machine, id, name, activated_at, offline_until, ended_at) VALUES
    (8011, x'01', 8041, 'desk', 3, 99, NULL), (8011, x'02', 8042, '', 3, 99, 4), (8012, x'03', 8043, '', 3, 99, NULL);
INSERT INTO consumptions (license, "key", units, lease, "left", at) VALUES
    (8011, 'a', 3, NULL, 17, 5), (8011, 'b', 2, 8051, 15, 6), (8011, 'c', 4, 8052, 11, 7);
INSERT INTO leases (license, id, machine, units, used, at, expires_at, returned_at) VALUES
    (8011, 8051, x'01', 2, NULL, 6, 99, NULL), (8011, 8052, x'02', 4, 2, 7, 99, 8);
INSERT INTO tried (product, machine, license) VALUES (101, x'03', 8012);
INSERT INTO receipts ("order", number, issued_at) VALUES (6001, 1, 3);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1001, 15, 6001, 6001, 0), (1001, 1, 6002, 6002, 0), (1001, 1, 6003, 6003, 0), (1001, 8, 9301, 6003, 0),
    (1001, 6, 101, 8011, 0), (1001, 2, 101, 8012, 1), (1001, 5, 3001, 3001, 0), (1001, 5, 3002, 3002, 0),
    (1001, 5, 3006, 3006, 0),
    (1001, 4, 4001, 4001, 0), (1001, 4, 4003, 4003, 0),
    (1002, 5, 3003, 3003, 0), (1002, 5, 3004, 3004, 0), (1002, 5, 3005, 3005, 0), (1002, 7, 9201, 3005, 0), (1002, 5, 3007, 3007, 0),
    (1002, 4, 4015, 4015, 0), (1002, 3, 15, 9301, 81),
    (1002, 4, 4011, 4011, 0), (1002, 4, 4012, 4012, 0), (1002, 4, 4013, 4013, 0), (1002, 4, 4014, 4014, 0),
    (1001, 4, 4004, 4004, 0), (1001, 4, 4005, 4005, 0), (1001, 4, 4006, 4006, 0), (1001, 4, 4007, 4007, 0),
    (1001, 2, 101, 8001, 0), (1001, 6, 101, 8002, 0), (1001, 3, 11, 6001, 77), (1001, 3, 12, 3001, 78),
    (1001, 3, 13, 7501, 79), (1001, 3, 14, 4004, 80);
-- Ada rents, counts and has a bundle, all for nothing; then she extends two of them, and one code was issued again.
INSERT INTO products (id, slug, kind, state, title, summary, description, labels, pictures, visibility,
        instructions, price_from, cheapest, release, version, created_at, updated_at) VALUES
    (102, 'set', 'bundle', 'published', 'Set', '', '', '{}', '[]', '{}', '', 0, NULL, NULL, 1, 0, 0);
INSERT INTO offers (id, product, key, price, terms, limits, current, created_at) VALUES
    (204, 101, 'month', 0, '{"kind":"rental","seconds":2592000,"from":"purchase"}', '{}', 0, 0),
    (205, 102, 'all', 0, '{"kind":"perpetual"}', '{}', 1, 0),
    (206, 101, 'five', 0, '{"kind":"processings","count":5}', '{}', 1, 0);
INSERT INTO bundle_items (bundle, place, item) VALUES (205, 0, 202), (205, 1, 206);
INSERT INTO orders (id, account, state, total, again, checks, selected_at, expires_at, paid_at, balance_after) VALUES
    (6004, 1001, 'paid', 0, 0, '[]', 0, 1, 2, 40), (6005, 1001, 'paid', 0, 0, '[]', 0, 1, 3, 40);
INSERT INTO order_lines ("order", id, offer, product, title, price, quantity, terms, limits, extends, bundle) VALUES
    (6004, 7004, 204, 101, 'Tool', 0, 1, '{"kind":"rental","seconds":2592000,"from":"purchase"}', '{}', NULL, NULL),
    (6004, 7006, 206, 101, 'Tool', 0, 1, '{"kind":"processings","count":5}', '{}', NULL, NULL),
    (6004, 7008, 202, 101, 'Tool', 0, 1, '{"kind":"perpetual"}', '{}', NULL, 205),
    (6004, 7009, 206, 101, 'Tool', 0, 1, '{"kind":"processings","count":5}', '{}', NULL, 205),
    (6005, 7005, 204, 101, 'Tool', 0, 1, '{"kind":"rental","seconds":2592000,"from":"purchase"}', '{}', 8021, NULL),
    (6005, 7007, 206, 101, 'Tool', 0, 1, '{"kind":"processings","count":5}', '{}', 8022, NULL);
INSERT INTO licenses (id, "order", line, account, product, offer, terms, limits, state, issue, kid, issued_at, expires_at) VALUES
    (8021, 6004, 7004, 1001, 101, 204, '{"kind":"rental","seconds":2592000,"from":"purchase"}', '{}', 'valid', 2, 'k1', 4, 5184000002),
    (8022, 6004, 7006, 1001, 101, 206, '{"kind":"processings","count":5}', '{}', 'valid', 1, 'k1', 2, NULL),
    (8023, 6004, 7008, 1001, 101, 202, '{"kind":"perpetual"}', '{}', 'suspended', 1, 'k1', 2, NULL),
    (8024, 6004, 7009, 1001, 101, 206, '{"kind":"processings","count":5}', '{}', 'valid', 1, 'k1', 2, NULL);
INSERT INTO extensions (line, license, amount, expires_at, at, "left", issue) VALUES
    (7005, 8021, 2592000, 5184000002, 3, NULL, 1), (7007, 8022, 5, NULL, 3, 10, 1);
INSERT INTO usages (license, added, used, leased, machines, moves, moves_since) VALUES (8022, 5, 0, 0, 0, 0, 0);
INSERT INTO reissues (license, issue, former_kid, former_at, at, expires_at, request) VALUES (8021, 2, 'k1', 2, 4, 5184000002, 16);
INSERT INTO reminders (license, due_at) VALUES (8021, 4579200002);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1001, 1, 6004, 6004, 0), (1001, 1, 6005, 6005, 0), (1001, 6, 101, 8021, 0), (1001, 6, 101, 8022, 0),
    (1001, 2, 101, 8023, 0), (1001, 6, 101, 8024, 0), (1001, 3, 16, 8021, 82);
INSERT INTO accounts (id, wallet, email, person, created_at) VALUES (1004, 2004, 'eve@example.org', '{}', 0);
INSERT INTO logins (email, account, password) VALUES ('eve@example.org', 1004, '');
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, owed_debits, owed_credits,
        lots, next_expiry) VALUES (2004, 1004, 170, 170, 0, 0, 70, 60, '[]', NULL);
INSERT INTO lots (id, wallet, kind, amount, priority, expires_at, created_at) VALUES
    (5021, 2004, 'paid', 100, 50, 3, 0), (5022, 2004, 'paid', 50, 50, NULL, 0), (5023, 2004, 'paid', 20, 50, NULL, 0);
INSERT INTO lot_changes (transfer, lot, kind, amount) VALUES (4022, 5021, 'expired', 70);
INSERT INTO top_ups (id, account, state, method, tokens, pay_amount, pay_unit, assessments, lots, reversed, created_at,
        credited_at) VALUES
    (3011, 1004, 'disputed', 'card', 100, 10, 'EUR', '[]', '[]',
        '{"refunded":0,"refunded_tokens":0,"disputed":10,"disputed_tokens":100,"pending":false}', 0, 1),
    (3012, 1004, 'credited', 'card', 50, 5, 'EUR', '[]', '[]', NULL, 0, 1),
    (3013, 1004, 'credited', 'card', 20, 2, 'EUR', '[]', '[]',
        '{"refunded":1,"refunded_tokens":10,"disputed":0,"disputed_tokens":0,"pending":false}', 0, 1);
INSERT INTO charges (processor, name, top_up, money_amount, money_unit, at, refunded, disputed) VALUES
    ('demo', 'ch_11', 3011, 10, 'EUR', 1, 0, 10), ('demo', 'ch_12', 3012, 5, 'EUR', 1, 0, 0),
    ('demo', 'ch_13', 3013, 2, 'EUR', 1, 1, 0);
INSERT INTO reversals (top_up, id, kind, state, name, claimed, money, tokens, owed, reason, at, settled_at) VALUES
    (3011, 7601, 'dispute', 'open', 'dp_1', 10, 10, 100, 70, '', 4, NULL),
    (3013, 7602, 'refund', 'done', NULL, 1, 1, 10, 0, '', 8, 9);
INSERT INTO reversal_lots (top_up, reversal, lot, amount) VALUES (3011, 7601, 5021, 30), (3013, 7602, 5023, 10);
INSERT INTO debt_payments (wallet, lot, amount) VALUES (2004, 5022, 50), (2004, 5023, 10);
INSERT INTO credit_files (account, day, day_count, day_tokens, credited, declined, disputed) VALUES
    (1004, 0, 0, 0, 3, 0, 1);
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4021, 1, 2004, 100, 'top_up', 3011, 1), (4022, 2004, 4, 70, 'expiry', 2004, 3),
    (4023, 2004, 5, 30, 'clawback', 3011, 4), (4024, 4611686018427389908, 5, 70, 'clawback', 3011, 4),
    (4025, 1, 2004, 50, 'top_up', 3012, 5), (4026, 2004, 4611686018427389908, 50, 'debt', 2004, 5),
    (4027, 1, 2004, 20, 'top_up', 3013, 6), (4028, 2004, 4611686018427389908, 10, 'debt', 2004, 6),
    (4029, 2004, 5, 10, 'clawback', 3013, 8);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1004, 5, 3011, 3011, 0), (1004, 5, 3012, 3012, 0), (1004, 5, 3013, 3013, 0), (1004, 3, 15, 7602, 81),
    (1004, 4, 4021, 4021, 0), (1004, 4, 4022, 4022, 0), (1004, 4, 4023, 4023, 0), (1004, 4, 4024, 4024, 0),
    (1004, 4, 4025, 4025, 0), (1004, 4, 4026, 4026, 0), (1004, 4, 4027, 4027, 0), (1004, 4, 4028, 4028, 0),
    (1004, 4, 4029, 4029, 0);
INSERT INTO accounts (id, wallet, email, person, created_at) VALUES (1005, 2005, 'kim@example.org', '{}', 0);
INSERT INTO logins (email, account, password) VALUES ('kim@example.org', 1005, '');
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots, next_expiry) VALUES
    (2005, 1005, 60, 110, 40, 60, '[[5031,"paid",70,20,50,null,null]]', NULL);
INSERT INTO lots (id, wallet, kind, amount, priority, expires_at, created_at) VALUES (5031, 2005, 'paid', 100, 50, NULL, 0);
INSERT INTO top_ups (id, account, state, method, tokens, assessments, lots, created_at, credited_at) VALUES
    (3021, 1005, 'credited', 'demo', 100, '[]', '[]', 0, 1);
INSERT INTO merchants (id, name, url, return_origins, limits_order, limits_open, limits_day, fee_basis_points, fee_fixed,
        threshold, state, balance_debits, balance_credits, seq, open, day, day_captured, created_at) VALUES
    (9401, 'Shop', 'https://shop.example', '[]', 50, 5, 100, 1000, 0, 0, 'active', 30, 40, 6, 2, 0, 40, 0);
INSERT INTO merchant_urls (url, merchant) VALUES ('https://shop.example', 9401);
INSERT INTO holds (id, wallet, amount, reason, subject, state, created_at, expires_at, resolved_at) VALUES
    (9011, 2005, 40, 'hold', 9501, 'posted', 2, 90, 3), (9012, 2005, 20, 'hold', 9502, 'open', 6, 90, NULL);
INSERT INTO hold_lots (hold, lot, kind, amount, place) VALUES (9011, 5031, 'paid', 40, 0), (9012, 5031, 'paid', 20, 0);
INSERT INTO purchase_requests (id, merchant, "order", account, state, amount, offer, confirmation, receipt, fulfilment,
        reference, hold, fee, refunded, opened_at, decided_at, captured_at, fulfilled_at, pay_until, hold_until,
        fulfil_until, refund_until, due_at) VALUES
    (9501, 9401, 'ord_1', 1005, 'partially_refunded', 40, 'o', 'c', 'r', 'f', x'01', 9011, 4, 10, 1, 2, 3, 4, 50, 90, 95, 99, NULL),
    (9502, 9401, 'ord_2', 1005, 'authorized', 20, 'o', 'c', NULL, NULL, x'02', 9012, 0, 0, 5, 6, NULL, NULL, 50, 90, NULL, NULL, 90),
    (9503, 9401, 'ord_3', NULL, 'open', 5, 'o', NULL, NULL, NULL, x'03', NULL, 0, 0, 7, NULL, NULL, NULL, 50, NULL, NULL, NULL, 50);
INSERT INTO request_refunds (request, id, transfer, amount, "by", reason, document, at) VALUES
    (9501, 9601, 4035, 10, 'merchant', '', 'd', 5);
INSERT INTO request_refund_lots (request, refund, lot, amount, expired) VALUES (9501, 9601, 5031, 10, 0);
INSERT INTO payouts (merchant, id, tokens, money_amount, money_unit, reference, transfer, at) VALUES
    (9401, 9701, 16, 16, 'EUR', '', 4037, 8);
INSERT INTO merchant_keys (merchant, owner, key, fingerprint, target) VALUES (9401, 'merchant', 1, 1, 9501);
INSERT INTO merchant_events (merchant, seq, kind, request, at) VALUES
    (9401, 1, 'purchase_request.authorized', 9501, 2), (9401, 2, 'purchase_request.captured', 9501, 3),
    (9401, 3, 'purchase_request.fulfilled', 9501, 4), (9401, 4, 'purchase_request.refunded', 9501, 5),
    (9401, 5, 'purchase_request.authorized', 9502, 6), (9401, 6, 'merchant.paid_out', NULL, 8);
INSERT INTO notices (request, due_at, until, attempts) VALUES (9502, 6, 90, 0);
INSERT INTO connections (id, merchant, return_url, reference, state, account, created_at, expires_at) VALUES
    (9801, 9401, 'https://shop.example/return', x'04', 'approved', 1005, 0, 9);
INSERT INTO merchant_subjects (merchant, subject, account, share_funded, at) VALUES (9401, x'05', 1005, 1, 0);
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4031, 1, 2005, 100, 'top_up', 3021, 1), (4032, 2005, -2005, 40, 'hold', 9501, 2),
    (4033, -2005, -4611686018427397305, 40, 'capture', 9501, 3), (4034, -4611686018427397305, 6, 4, 'fee', 9501, 3),
    (4035, -4611686018427397305, 2005, 10, 'refund', 9501, 5), (4036, 2005, -2005, 20, 'hold', 9502, 6),
    (4037, -4611686018427397305, 7, 16, 'payout', 9701, 8);
INSERT INTO merchant_transfers (merchant, transfer) VALUES (9401, 4033), (9401, 4034), (9401, 4035), (9401, 4037);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1005, 5, 3021, 3021, 0), (1005, 3, 16, 9501, 81), (1005, 4, 4031, 4031, 0), (1005, 4, 4032, 4032, 0),
    (1005, 4, 4033, 4033, 0), (1005, 4, 4035, 4035, 0), (1005, 4, 4036, 4036, 0);
INSERT INTO accounts (id, wallet, email, person, created_at) VALUES (1006, 2006, '', '{}', 0);
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots) VALUES
    (2006, 1006, 0, 0, 0, 0, '[]');
INSERT INTO identities (issuer, subject, account, created_at) VALUES ('https://pay.example', 's', 1006, 0);
INSERT INTO orders (id, account, state, total, again, checks, selected_at, expires_at, paid_at) VALUES
    (6101, 1006, 'partially_refunded', 30, 0, '[]', 0, 1, 2), (6102, 1006, 'captured', 30, 0, '[]', 0, 1, NULL),
    (6103, 1006, 'refunded', 30, 0, '[]', 0, 1, NULL), (6104, NULL, 'open', 30, 0, '[]', 0, 1, NULL),
    (6105, NULL, 'draft', 30, 0, '[]', 0, 1, NULL);
INSERT INTO order_lines ("order", id, offer, product, title, price, quantity, terms, limits)
    SELECT o.id, o.id + 1000, 201, 101, 'Tool', 30, 1, '{"kind":"perpetual"}', '{}' FROM orders o WHERE o.id > 6100;
INSERT INTO checkouts ("order", provider, request, asked_key, asked_fingerprint, asked_id, offer, confirmation, receipt,
        fulfilment, refunds, subject, attempts) VALUES
    (6101, 'https://pay.example', 'req_1', 1, 1, 1, 'o', 'c', 'r', 'f', '["b"]', 's', 0),
    (6102, 'https://pay.example', 'req_2', 1, 1, 1, 'o', 'c', 'r', NULL, '[]', 's', 0),
    (6103, 'https://pay.example', 'req_3', 1, 1, 1, 'o', 'c', 'r', 'f', '["b"]', 's', 0),
    (6104, 'https://pay.example', 'req_4', 1, 1, 1, 'o', NULL, NULL, NULL, '[]', NULL, 0);
INSERT INTO refunds ("order", id, transfer, amount, licenses, reason, at) VALUES
    (6101, 7511, NULL, 10, 'keep', '', 7), (6103, 7513, NULL, 30, 'revoke', '', 7);
INSERT INTO refund_lines ("order", refund, line, quantity, amount) VALUES (6101, 7511, 7101, 0, 10), (6103, 7513, 7103, 1, 30);
INSERT INTO licenses (id, "order", line, account, product, offer, terms, limits, state, issue, kid, issued_at) VALUES
    (8101, 6101, 7101, 1006, 101, 201, '{"kind":"perpetual"}', '{}', 'valid', 1, 'k1', 2),
    (8102, 6102, 7102, 1006, 101, 201, '{"kind":"perpetual"}', '{}', 'withheld', 1, 'k1', 2),
    (8103, 6103, 7103, 1006, 101, 201, '{"kind":"perpetual"}', '{}', 'refunded', 1, 'k1', 2);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1006, 1, 6101, 6101, 0), (1006, 1, 6102, 6102, 0), (1006, 1, 6103, 6103, 0),
    (1006, 2, 101, 8101, 0), (1006, 6, 101, 8102, 0), (1006, 6, 101, 8103, 0), (1006, 16, 101, 7102, 0);
INSERT INTO accounts (id, wallet, email, person, created_at) VALUES (1007, 2007, 'lou@example.org', '{}', 0);
INSERT INTO logins (email, account, password) VALUES ('lou@example.org', 1007, '');
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots, next_expiry) VALUES
    (2007, 1007, 80, 282, 70, 80, '[[5041,"paid",172,10,50,null,2],[5042,"exchange",40,0,50,null,6]]', NULL);
INSERT INTO lots (id, wallet, kind, amount, priority, expires_at, exchangeable_at, created_at) VALUES
    (5041, 2007, 'paid', 200, 50, NULL, 2, 0), (5042, 2007, 'exchange', 40, 50, NULL, 6, 6);
INSERT INTO top_ups (id, account, state, method, tokens, assessments, lots, created_at, credited_at) VALUES
    (3031, 1007, 'credited', 'demo', 200, '[]', '[]', 0, 1);
INSERT INTO partners (id, url, name, agreement, currency, suspended, suspended_there, payable_debits, payable_credits,
        receivable_debits, receivable_credits, payable_reserved, receivable_reserved, cycle, cycle_began_at, day, day_given,
        day_taken, created_at) VALUES
    (9901, 'https://bel.example', 'Bel', NULL, 'EUR', NULL, 0, 300, 630, 400, 0, 100, 60, 1, 0, 0, 43, 59, 0);
INSERT INTO partner_urls (url, partner) VALUES ('https://bel.example', 9901);
INSERT INTO exchange_quotes (id, account, partner, agreement, figures_give, figures_receive, figures_compensation,
        figures_numerator, figures_denominator, document, exchange, at) VALUES
    (11001, 1007, 9901, 9911, 10, 20, 100, 2, 1, 'q', 10001, 2),
    (11002, 1007, 9901, 9911, 20, 40, 200, 2, 1, 'q', 10002, 2),
    (11003, 1007, 9901, 9911, 30, 60, 300, 2, 1, 'q', 10003, 2),
    (11004, 1007, 9901, 9911, 5, 10, 50, 2, 1, 'q', 10004, 2),
    (11005, 1007, 9901, 9911, 7, 14, 70, 2, 1, 'q', 10005, 2),
    (11006, 1007, 9901, 9911, 8, 16, 80, 2, 1, 'q', 10006, 2),
    (11007, 1007, 9901, 9911, 1, 2, 10, 2, 1, 'q', NULL, 2);
INSERT INTO exchanges (id, account, partner, agreement, quote, figures_give, figures_receive, figures_compensation,
        figures_numerator, figures_denominator, state, hold, reason, prepared, "commit", answer, transfer, cycle, at,
        committed_at, answered_at, written_off_at, due_at, attempts) VALUES
    (10001, 1007, 9901, 9911, 11001, 10, 20, 100, 2, 1, 'reserved', 9021, NULL, NULL, NULL, NULL, NULL, NULL, 3, NULL, NULL, NULL, 4, 0),
    (10002, 1007, 9901, 9911, 11002, 20, 40, 200, 2, 1, 'fulfilled', 9022, NULL, 'p', 'c', 'a', 4044, 1, 3, 4, 5, NULL, NULL, 0),
    (10003, 1007, 9901, 9911, 11003, 30, 60, 300, 2, 1, 'reversed', 9023, 'late', 'p', 'c', 'a', 4046, 1, 3, 4, 5, NULL, NULL, 0),
    (10004, 1007, 9901, 9911, 11004, 5, 10, 50, 2, 1, 'written_off', 9024, NULL, 'p', 'c', NULL, 4049, 1, 3, 4, NULL, 9, 10, 0),
    (10005, 1007, 9901, 9911, 11005, 7, 14, 70, 2, 1, 'refused', 9025, 'exchange_limit', NULL, NULL, NULL, NULL, NULL, 3, NULL, NULL, NULL, NULL, 0),
    (10006, 1007, 9901, 9911, 11006, 8, 16, 80, 2, 1, 'committed', 9026, NULL, 'p', 'c', NULL, 4054, 2, 3, 4, NULL, NULL, 5, 0);
INSERT INTO holds (id, wallet, amount, reason, subject, state, created_at, expires_at, resolved_at) VALUES
    (9021, 2007, 10, 'exchange_hold', 10001, 'open', 3, 90, NULL),
    (9022, 2007, 20, 'exchange_hold', 10002, 'posted', 3, 90, 4),
    (9023, 2007, 30, 'exchange_hold', 10003, 'posted', 3, 90, 4),
    (9024, 2007, 5, 'exchange_hold', 10004, 'posted', 3, 90, 4),
    (9025, 2007, 7, 'exchange_hold', 10005, 'voided', 3, 90, 4),
    (9026, 2007, 8, 'exchange_hold', 10006, 'posted', 3, 90, 4);
INSERT INTO hold_lots (hold, lot, kind, amount, place) SELECT h.id, 5041, 'paid', h.amount, 0 FROM holds h WHERE h.wallet = 2007;
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4041, 1, 2007, 200, 'top_up', 3031, 1), (4042, 2007, -2007, 10, 'exchange_hold', 10001, 3),
    (4043, 2007, -2007, 20, 'exchange_hold', 10002, 3), (4044, -2007, 8, 20, 'exchange', 10002, 4),
    (4045, 2007, -2007, 30, 'exchange_hold', 10003, 3), (4046, -2007, 8, 30, 'exchange', 10003, 4),
    (4047, 8, 2007, 30, 'reversal', 10003, 5), (4048, 2007, -2007, 5, 'exchange_hold', 10004, 3),
    (4049, -2007, 8, 5, 'exchange', 10004, 4), (4050, 8, 2007, 5, 'reversal', 10004, 9),
    (4051, 2007, -2007, 7, 'exchange_hold', 10005, 3), (4052, -2007, 2007, 7, 'exchange_void', 10005, 4),
    (4053, 2007, -2007, 8, 'exchange_hold', 10006, 3), (4054, -2007, 8, 8, 'exchange', 10006, 4),
    (4055, 9, 2007, 40, 'exchange', 20001, 6);
INSERT INTO partner_entries (partner, id, side, kind, amount, subject, cycle, at) VALUES
    (9901, 12001, 'payable', 'exchange', 200, 10002, 1, 4), (9901, 12002, 'payable', 'exchange', 300, 10003, 1, 4),
    (9901, 12003, 'payable', 'reversal', 300, 10003, 1, 5), (9901, 12004, 'payable', 'exchange', 50, 10004, 1, 4),
    (9901, 12005, 'payable', 'exchange', 80, 10006, 2, 4), (9901, 12006, 'receivable', 'exchange', 400, 20001, 3, 6);
INSERT INTO incoming_exchanges (partner, exchange, quote, account, agreement, figures_give, figures_receive,
        figures_compensation, figures_numerator, figures_denominator, state, prepared, "commit", answer, transfer, lot, cycle,
        at, until, answered_at) VALUES
    (9901, 20001, 'n1', 1007, 9911, 50, 40, 400, 4, 5, 'fulfilled', 'p', 'c', 'a', 4055, 5042, 3, 5, 90, 6),
    (9901, 20002, 'n2', 1007, 9911, 9, 6, 60, 4, 5, 'prepared', 'p', NULL, NULL, NULL, NULL, NULL, 5, 90, NULL),
    (9901, 20003, 'n3', 1007, 9911, 9, 6, 60, 4, 5, 'late', 'p', 'c', 'a', NULL, NULL, NULL, 5, 90, 91),
    (9901, 20004, 'exc of par', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'rejected', NULL, 'c', 'a', NULL, NULL, NULL, 5, 5, 5),
    (9901, 20005, 'n5', 1007, 9911, 9, 6, 60, 4, 5, 'lapsed', 'p', NULL, NULL, NULL, NULL, NULL, 5, 90, NULL);
INSERT INTO exchange_days (partner, account, day, given, taken) VALUES (9901, 1007, 0, 43, 59);
INSERT INTO by_account (account, kind, key, target, note) SELECT 1007, 4, t.id, t.id, 0 FROM transfers t
    WHERE t.id BETWEEN 4041 AND 4055;
INSERT INTO by_account (account, kind, key, target, note) SELECT 1007, 14, x.id, x.id, 0 FROM exchanges x;
INSERT INTO by_account (account, kind, key, target, note) VALUES (1007, 5, 3031, 3031, 0), (1007, 3, 17, 10002, 82);
INSERT INTO events (id, kind, account, subject, at, seq) VALUES
    (6001, 'order.paid', 1001, 6001, 2, 2), (9502, 'top_up.credited', 1001, 3001, 1, 1),
    (9503, 'order.declined', 1001, 6002, 3, NULL), (8001, 'license.issued', 1001, 8001, 2, NULL),
    (8002, 'license.issued', 1001, 8002, 2, NULL);
INSERT INTO by_account (account, kind, key, target, note) VALUES
    (1001, 13, 9502, 9502, 0), (1001, 13, 9503, 9503, 0);
INSERT INTO feed (number, last, endpoints) VALUES (1, 2, 2);
INSERT INTO webhook_endpoints (id, url, label, events, issue, position, disabled, disabled_at, created_at, removed_at) VALUES
    (9601, 'https://hooks.example/', '', '[]', 1, 2, NULL, NULL, 0, NULL),
    (9602, 'https://hooks.example/', '', '["order.paid"]', 1, 0, 'staff', 5, 0, NULL),
    (9603, 'https://hooks.example/', '', '[]', 1, 2, NULL, NULL, 0, 7);
INSERT INTO deliveries (id, endpoint, event, state, attempts, due_at, tried_at, status, answer) VALUES
    (9701, 9601, 9502, 'delivered', 1, NULL, 3, 204, ''), (9702, 9601, 6001, 'pending', 1, 9, 4, 500, 'no'),
    (9703, 9603, NULL, 'failed', 0, NULL, NULL, NULL, NULL);
INSERT INTO letters (id, account, recipient, about, state, attempts, due_at, sent_at, trouble, created_at) VALUES
    (9801, 1001, 'ada@example.org', '{"kind":"welcome"}', 'waiting', 1, 9, NULL, 'later', 1),
    (9802, 1002, 'bob@example.org', '{"kind":"welcome"}', 'sent', 1, NULL, 5, NULL, 1),
    (9803, NULL, 'staff@example.org', '{"kind":"welcome"}', 'given_up', 1, NULL, NULL, 'no', 1);
INSERT INTO postbox (number, position) VALUES (1, 2);
INSERT INTO warned (account, until) VALUES (1001, 900);
INSERT INTO digests (account, orders, more, total, due_at) VALUES (1001, '["ord_0000000000001"]', 0, 5, 9);
-- A partner with four cycles: paid by us, given up, nothing to pay, and one of which the partner says something else. What
-- was exchanged in them is one buyer's.
INSERT INTO accounts (id, wallet, email, person, created_at) VALUES (1008, 2008, 'max@example.org', '{}', 0);
INSERT INTO logins (email, account, password) VALUES ('max@example.org', 1008, '');
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots, next_expiry) VALUES
    (2008, 1008, 25, 125, 25, 25,
     '[[5051,"paid",85,0,50,null,2],[5052,"exchange",5,0,50,null,6],[5053,"exchange",5,0,50,null,6],[5054,"exchange",5,0,50,null,6]]',
     NULL);
INSERT INTO lots (id, wallet, kind, amount, priority, expires_at, exchangeable_at, created_at) VALUES
    (5051, 2008, 'paid', 100, 50, NULL, 2, 0), (5052, 2008, 'exchange', 5, 50, NULL, 6, 6),
    (5053, 2008, 'exchange', 5, 50, NULL, 6, 6), (5054, 2008, 'exchange', 5, 50, NULL, 6, 6);
INSERT INTO top_ups (id, account, state, method, tokens, assessments, lots, created_at, credited_at) VALUES
    (3032, 1008, 'credited', 'demo', 100, '[]', '[]', 0, 1);
INSERT INTO partners (id, url, name, agreement, currency, suspended, suspended_there, payable_debits, payable_credits,
        receivable_debits, receivable_credits, payable_reserved, receivable_reserved, cycle, cycle_began_at, day, day_given,
        day_taken, created_at) VALUES
    (9991, 'https://b.example', 'B', NULL, 'EUR', 'disputed', 0, 60000, 85999, 95001, 73000, 0, 0, 5, 9, 0, 25, 15, 0);
INSERT INTO partner_urls (url, partner) VALUES ('https://b.example', 9991);
INSERT INTO exchanges (id, account, partner, agreement, quote, figures_give, figures_receive, figures_compensation,
        figures_numerator, figures_denominator, state, hold, reason, prepared, "commit", answer, transfer, cycle, at, committed_at,
        answered_at, written_off_at, attempts) VALUES
    (9911, 1008, 9991, 9902, 9921, 5, 5, 50000, 1, 1, 'fulfilled', 9931, NULL, 'p', 'c', 'a', 4071, 1, 1, 2, 3, NULL, 0),
    (9912, 1008, 9991, 9902, 9922, 5, 5, 2000, 1, 1, 'fulfilled', 9932, NULL, 'p', 'c', 'a', 4072, 2, 1, 2, 3, NULL, 0),
    (9913, 1008, 9991, 9902, 9923, 5, 5, 7000, 1, 1, 'reversed', 9933, 'late', 'p', 'c', 'a', 4073, 2, 1, 2, 3, NULL, 0),
    (9914, 1008, 9991, 9902, 9924, 5, 5, 1000, 1, 1, 'written_off', 9934, NULL, 'p', 'c', 'a', 4074, 2, 1, 2, 3, 4, 0),
    (9915, 1008, 9991, 9902, 9925, 5, 5, 25999, 1, 1, 'fulfilled', 9935, NULL, 'p', 'c', 'a', 4075, 4, 1, 7, 8, NULL, 0);
INSERT INTO exchange_quotes (id, account, partner, agreement, figures_give, figures_receive, figures_compensation,
        figures_numerator, figures_denominator, document, exchange, at)
    SELECT x.quote, 1008, 9991, 9902, 5, 5, x.figures_compensation, 1, 1, 'q', x.id, 1 FROM exchanges x WHERE x.partner = 9991;
INSERT INTO holds (id, wallet, amount, reason, subject, state, created_at, expires_at, resolved_at)
    SELECT x.hold, 2008, 5, 'exchange_hold', x.id, 'posted', 1, 90, x.committed_at FROM exchanges x WHERE x.partner = 9991;
INSERT INTO hold_lots (hold, lot, kind, amount, place) SELECT h.id, 5051, 'paid', 5, 0 FROM holds h WHERE h.wallet = 2008;
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at) VALUES
    (4061, 1, 2008, 100, 'top_up', 3032, 1), (4076, 8, 2008, 5, 'reversal', 9913, 3), (4077, 8, 2008, 5, 'reversal', 9914, 4),
    (4078, 9, 2008, 5, 'exchange', 9951, 6), (4079, 9, 2008, 5, 'exchange', 9952, 6), (4080, 9, 2008, 5, 'exchange', 9954, 6);
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at)
    SELECT x.transfer - 9, 2008, -2008, 5, 'exchange_hold', x.id, 1 FROM exchanges x WHERE x.partner = 9991;
INSERT INTO transfers (id, debit, credit, amount, reason, subject, at)
    SELECT x.transfer, -2008, 8, 5, 'exchange', x.id, x.committed_at FROM exchanges x WHERE x.partner = 9991;
UPDATE house SET debits = debits + 100 WHERE name = 'issued';
UPDATE house SET debits = debits + 10, credits = credits + 25 WHERE name = 'exchanged_out';
UPDATE house SET debits = debits + 15 WHERE name = 'exchanged_in';
INSERT INTO incoming_exchanges (partner, exchange, quote, account, agreement, figures_give, figures_receive,
        figures_compensation, figures_numerator, figures_denominator, state, prepared, "commit", answer, transfer, lot, cycle, at,
        until, answered_at) VALUES
    (9991, 9951, 'q1', 1008, 9902, 5, 5, 10001, 1, 1, 'fulfilled', 'p', 'c', 'a', 4078, 5052, 1, 1, 9, 3),
    (9991, 9952, 'q2', 1008, 9902, 5, 5, 65001, 1, 1, 'fulfilled', 'p', 'c', 'a', 4079, 5053, 2, 1, 9, 3),
    (9991, 9953, 'q3', 1008, 9902, 5, 5, 9, 1, 1, 'late', 'p', 'c', 'a', NULL, NULL, NULL, 1, 9, 3),
    (9991, 9954, 'q4', 1008, 9902, 5, 5, 19999, 1, 1, 'fulfilled', 'p', 'c', 'a', 4080, 5054, 4, 1, 9, 3);
INSERT INTO exchange_days (partner, account, day, given, taken) VALUES (9991, 1008, 0, 25, 15);
INSERT INTO by_account (account, kind, key, target, note) SELECT 1008, 4, t.id, t.id, 0 FROM transfers t
    WHERE t.id BETWEEN 4061 AND 4080;
INSERT INTO by_account (account, kind, key, target, note) SELECT 1008, 14, x.id, x.id, 0 FROM exchanges x
    WHERE x.partner = 9991;
INSERT INTO by_account (account, kind, key, target, note) VALUES (1008, 5, 3032, 3032, 0);
INSERT INTO statements (partner, cycle, id, agreement, state, "from", "to", gross_out, count_out, digest_out, gross_in, count_in,
        digest_in, carried_in, carried_out, net, ours, theirs, agreed_at, pay_until, due_at, attempts) VALUES
    (9991, 1, 9971, 9902, 'settled', 0, 3, 50000, 1, x'01', 10001, 1, x'02', 0, 9999, 3, 'o', 't', 3, 5, NULL, 0),
    (9991, 2, 9972, 9902, 'written_off', 3, 5, 3000, 2, x'01', 65001, 1, x'02', 9999, -2002, -5, 'o', 't', 5, 6, NULL, 0),
    (9991, 3, 9973, 9902, 'settled', 5, 6, 0, 0, x'01', 0, 0, x'02', -2002, -2002, 0, 'o', 't', 6, NULL, NULL, 0),
    (9991, 4, 9974, 9902, 'disputed', 6, 9, 25999, 1, x'01', 19999, 1, x'02', -2002, 3998, 0, 'o', 't', NULL, NULL, NULL, 0);
INSERT INTO differences (statement, ours, exchange, here, there) VALUES (9974, 1, 9915, 25999, 1);
INSERT INTO settlements (id, statement, partner, reference, method, state, money_amount, money_unit, at, ended_at, receipt,
        attempts) VALUES
    (9981, 9971, 9991, 'SCRIP-1', 'recorded', 'settled', 3, 'EUR', 3, 4, 'r', 0),
    (9982, 9972, 9991, 'SCRIP-2', NULL, 'written_off', 5, 'EUR', 5, 8, NULL, 0);
INSERT INTO settlement_keys (key, fingerprint, settlement) VALUES (1, 1, 9981);
INSERT INTO bank_details (owner, holder, iban, bic) VALUES (9991, 'B', 'DE89370400440532013000', NULL);
INSERT INTO partner_entries (partner, id, side, kind, amount, subject, cycle, at) VALUES
    (9991, 1, 'payable', 'exchange', 50000, 9911, 1, 2), (9991, 2, 'payable', 'exchange', 2000, 9912, 2, 2),
    (9991, 3, 'payable', 'exchange', 7000, 9913, 2, 2), (9991, 4, 'payable', 'reversal', 7000, 9913, 2, 3),
    (9991, 5, 'payable', 'exchange', 1000, 9914, 2, 2), (9991, 6, 'payable', 'exchange', 25999, 9915, 4, 7),
    (9991, 7, 'receivable', 'exchange', 10001, 9951, 1, 3), (9991, 8, 'receivable', 'exchange', 65001, 9952, 2, 3),
    (9991, 9, 'receivable', 'exchange', 19999, 9954, 4, 3),
    (9991, 10, 'payable', 'netting', 10001, 9971, 1, 4), (9991, 11, 'receivable', 'netting', 10001, 9971, 1, 4),
    (9991, 12, 'payable', 'payment', 30000, 9971, 1, 4),
    (9991, 13, 'payable', 'netting', 12999, 9972, 2, 8), (9991, 14, 'receivable', 'netting', 12999, 9972, 2, 8),
    (9991, 15, 'receivable', 'write_off', 50000, 9972, 2, 8);
INSERT INTO epochs (number, since, at) VALUES (2, 1, 5), (3, 4, 8);
INSERT INTO reunions (epoch, peer, kind, state, place, booked, listed, attempts, due_at, trouble, ended_at) VALUES
    (2, 'https://shop.example', 'merchant', 'reconciled', '9', 3, 1, 0, NULL, NULL, 6),
    (2, 'https://gone.example', 'merchant', 'skipped', '', 0, 0, 4, NULL, NULL, 7),
    (3, 'https://shop.example', 'merchant', 'asking', '', 0, 0, 1, 9, 'no answer', NULL);
INSERT INTO discrepancies (peer, name, id, epoch, "order", lack, amount, detail, at) VALUES
    ('https://shop.example', 'req_1', 9901, 2, 'ord_1', 'insufficient_funds', 7, '', 6);
-- A partner with an agreement in force, one before it, one that waits, an open proposal, one that was declined, and one that has
-- ended; three buyers linked with it, in each state; and two requests of its.
INSERT INTO partners (id, url, name, agreement, currency, suspended, suspended_there, payable_debits, payable_credits,
        receivable_debits, receivable_credits, payable_reserved, receivable_reserved, cycle, cycle_began_at, day, day_given,
        day_taken, created_at, version) VALUES
    (9801, 'https://p.example', 'P', 9812, 'EUR', NULL, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 6);
INSERT INTO partner_urls (url, partner) VALUES ('https://p.example', 9801);
INSERT INTO agreements (id, partner, version, proposed_by, state, terms, proposal, digest, acceptance, proposed_at, decided_at,
        effective_at, ends_at, untold, due_at, attempts) VALUES
    (9811, 9801, 2, 'us', 'superseded', '{}', 'p', x'11', 'a', 1, 2, 2, NULL, NULL, NULL, 0),
    (9812, 9801, 3, 'us', 'accepted', '{}', 'p', x'12', 'a', 1, 2, 3, 9, 'end', 5, 2),
    (9813, 9801, 4, 'them', 'accepted', '{}', 'p', x'13', 'a', 1, 2, 9, NULL, NULL, 9, 0),
    (9814, 9801, 6, 'them', 'proposed', '{}', 'p', x'14', NULL, 1, NULL, NULL, NULL, NULL, NULL, 0),
    (9815, 9801, 5, 'them', 'declined', '{}', 'p', x'15', NULL, 1, 2, NULL, NULL, 'decline', 3, 1),
    (9816, 9801, 1, 'us', 'ended', '{}', 'p', x'16', 'a', 1, 2, 2, 3, NULL, NULL, 0);
INSERT INTO links (account, partner, id, state, subject, at, linked_at, due_at, attempts) VALUES
    (1001, 9801, 9821, 'active', 's', 1, 2, NULL, 0), (1002, 9801, 9822, 'ended', 's', 1, 2, 3, 1),
    (1004, 9801, 9823, 'open', NULL, 1, NULL, NULL, 0);
INSERT INTO link_requests (id, partner, link, return_url, reference, state, account, code_hash, code_until, at, expires_at) VALUES
    (9831, 9801, 9841, 'https://p.example', x'01', 'approved', 1001, x'02', 9, 1, 9),
    (9832, 9801, 9842, 'https://p.example', x'03', 'open', NULL, NULL, NULL, 1, 9);
INSERT INTO partner_subjects (partner, subject, account, at) VALUES (9801, x'06', 1001, 2);
-- Of three quiet days figures were kept.
INSERT INTO day_figures (day, orders, lines, spent, sold, paid, refunded, expired, clawed_back, downloads, bytes, accounts, outstanding)
    SELECT d.day, 0, 0, 0, 0, '[]', 0, 0, 0, 0, 0, 0, (SELECT SUM(free_credits - free_debits + held_credits - held_debits)
        FROM wallets) FROM (SELECT 1795305600000 AS day UNION ALL SELECT 1795392000000 UNION ALL SELECT 1795478400000) d;
-- Of the staff one owner has joined, another is invited, and one was ended.
INSERT INTO staff (id, email, name, role, password, series, factor_issue, factor_step, recovery, created_at, joined_at, ended_at) VALUES
    (9951, 'a@x.example', 'A', 'owner', 'p', 1, 0, 0, '[]', 1, 2, NULL),
    (9952, 'b@x.example', 'B', 'owner', NULL, 0, 0, 0, '[]', 1, NULL, NULL),
    (9953, 'b@x.example', 'B', 'owner', NULL, 1, 0, 0, '[]', 1, 2, 3);
INSERT INTO staff_logins (email, member) VALUES ('a@x.example', 9951), ('b@x.example', 9952);
INSERT INTO staff_roll (number, owners) VALUES (1, 1);
-- An account that was erased, as one that was never anybody's.
INSERT INTO accounts (id, wallet, email, person, created_at, erased_at) VALUES (1090, 2090, '', '{}', 0, 3);
INSERT INTO wallets (id, account, free_debits, free_credits, held_debits, held_credits, lots) VALUES (2090, 1090, 0, 0, 0, 0, '[]');
COMMIT;
