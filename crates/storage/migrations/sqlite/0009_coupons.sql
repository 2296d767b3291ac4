-- Coupons.

-- Lie by their word: what decides on one asks for it by that.
CREATE TABLE coupons (
    code TEXT NOT NULL,
    id INTEGER NOT NULL UNIQUE,
    discount_percent INTEGER CHECK (discount_percent BETWEEN 1 AND 100),
    discount_amount INTEGER CHECK (discount_amount > 0),
    starts_at INTEGER,
    ends_at INTEGER,
    max_uses INTEGER,
    max_uses_per_account INTEGER,
    min_total INTEGER,
    products TEXT NOT NULL,
    offers TEXT NOT NULL,
    uses INTEGER NOT NULL CHECK (uses <= max_uses),
    created_at INTEGER NOT NULL,
    closed_at INTEGER,
    PRIMARY KEY (code, id),
    CHECK ((discount_percent IS NULL) <> (discount_amount IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX coupons_open ON coupons (code) WHERE closed_at IS NULL;

-- What an order without a coupon has none of: no page more.
ALTER TABLE orders ADD COLUMN coupon_id INTEGER;
ALTER TABLE orders ADD COLUMN coupon_code TEXT;
ALTER TABLE order_lines ADD COLUMN discount INTEGER;

CREATE INDEX orders_by_coupon ON orders (coupon_id) WHERE coupon_id IS NOT NULL;
