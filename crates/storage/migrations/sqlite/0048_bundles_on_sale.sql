-- In which bundles an offer is.
CREATE INDEX bundle_items_of_offer ON bundle_items (item);

-- A bundle is offered while everything in it is: those that went on without something of theirs close.
UPDATE offers SET current = 0 WHERE current = 1 AND EXISTS (SELECT 1 FROM bundle_items i
    JOIN offers o ON o.id = i.item WHERE i.bundle = offers.id AND o.current = 0);
UPDATE products SET version = version + 1,
    price_from = (SELECT MIN(o.price) FROM offers o WHERE o.product = products.id AND o.current = 1),
    cheapest = (SELECT MIN(o.price) FROM offers o WHERE o.product = products.id AND o.current = 1 AND o.price > 0)
    WHERE kind = 'bundle';
UPDATE listings SET price = (SELECT p.price_from FROM products p WHERE p.id = listings.product),
    cheapest = (SELECT p.cheapest FROM products p WHERE p.id = listings.product) WHERE kind = 'bundle';
UPDATE labelled SET price = (SELECT p.price_from FROM products p WHERE p.id = labelled.product)
    WHERE product IN (SELECT p.id FROM products p WHERE p.kind = 'bundle');
