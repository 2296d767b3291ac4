-- What orders that wait for their codes are about to sell for good, or for a trial, is not sold to the same buyer again.
INSERT INTO by_account (account, kind, key, target, note)
SELECT o.account, 16, l.product, l.id, CASE WHEN l.terms = '{"kind":"perpetual"}' THEN 0 ELSE 1 END
FROM checkouts k JOIN orders o ON o.id = k."order" JOIN order_lines l ON l."order" = o.id
WHERE o.state IN ('authorized', 'captured') AND k.reason IS NULL AND o.account IS NOT NULL
    AND (l.terms = '{"kind":"perpetual"}' OR l.terms LIKE '{"kind":"trial",%');
