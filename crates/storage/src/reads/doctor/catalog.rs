//! Probes of the catalogue: prices kept beside their offers agree with them, and nothing hangs loose.

use scrip_domain::catalog::{File, Offer, Product};

use super::{Probe, named};

pub fn probes() -> [Probe; 6] {
    [
        Probe {
            name: "product-prices",
            proves: "each product's lowest prices are those of its current offers",
            subject: named::<Product>,
            counted: "products",
            rows: "SELECT p.id AS subject, (SELECT MIN(o.price) FROM offers o
                    WHERE o.product = p.id AND o.current = 1) AS found, p.price_from AS expected FROM products p
                UNION ALL SELECT p.id, (SELECT MIN(o.price) FROM offers o
                    WHERE o.product = p.id AND o.current = 1 AND o.price > 0), p.cheapest FROM products p"
                .into(),
        },
        Probe {
            name: "product-releases",
            proves: "the release that a product sells is its own, and published",
            subject: named::<Product>,
            counted: "products",
            rows: "SELECT p.id AS subject, p.id AS expected, (SELECT r.product FROM releases r
                    WHERE r.id = p.release AND r.published_at IS NOT NULL) AS found
                FROM products p WHERE p.release IS NOT NULL"
                .into(),
        },
        Probe {
            name: "offer-products",
            proves: "each offer and each release is of a product that exists",
            subject: named::<Offer>,
            counted: "offers",
            rows: "SELECT o.id AS subject, o.product AS expected,
                    (SELECT p.id FROM products p WHERE p.id = o.product) AS found FROM offers o
                UNION ALL SELECT r.id, r.product, (SELECT p.id FROM products p WHERE p.id = r.product)
                FROM releases r"
                .into(),
        },
        Probe {
            name: "bundle-items",
            proves: "offers of bundles have something in them, others nothing, and no bundle is in one",
            subject: named::<Offer>,
            counted: "bundle_items",
            rows: "SELECT o.id AS subject, CASE WHEN p.kind = 'bundle' THEN 1 ELSE 0 END AS expected,
                    CASE WHEN EXISTS (SELECT 1 FROM bundle_items i WHERE i.bundle = o.id) THEN 1 ELSE 0 END AS found
                FROM offers o JOIN products p ON p.id = o.product
                UNION ALL SELECT i.item, 1, (SELECT COUNT(*) FROM offers o JOIN products p ON p.id = o.product
                    WHERE o.id = i.item AND p.kind <> 'bundle') FROM bundle_items i"
                .into(),
        },
        Probe {
            name: "bundle-offers",
            proves: "a bundle is offered as long as everything in it is",
            subject: named::<Offer>,
            counted: "bundle_items",
            rows: "SELECT o.id AS subject, o.current AS expected,
                    CASE WHEN o.retired_at IS NULL AND p.state = 'published' THEN MIN(x.current) ELSE 0 END AS found
                FROM bundle_items i JOIN offers o ON o.id = i.bundle JOIN products p ON p.id = o.product
                    JOIN offers x ON x.id = i.item
                GROUP BY o.id, o.current, o.retired_at, p.state"
                .into(),
        },
        Probe {
            name: "file-releases",
            proves: "each file belongs to a release that exists",
            subject: named::<File>,
            counted: "files",
            rows: "SELECT f.id AS subject, f.release AS expected,
                    (SELECT r.id FROM releases r WHERE r.id = f.release) AS found FROM files f"
                .into(),
        },
    ]
}
