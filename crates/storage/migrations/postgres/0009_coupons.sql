-- Coupons.

-- Lie by their word: what decides on one asks for it by that.
CREATE TABLE coupons (
    code TEXT NOT NULL,
    id BIGINT NOT NULL UNIQUE,
    discount_percent BIGINT CHECK (discount_percent BETWEEN 1 AND 100),
    discount_amount BIGINT CHECK (discount_amount > 0),
    starts_at BIGINT,
    ends_at BIGINT,
    max_uses BIGINT,
    max_uses_per_account BIGINT,
    min_total BIGINT,
    products TEXT NOT NULL,
    offers TEXT NOT NULL,
    uses BIGINT NOT NULL CHECK (uses <= max_uses),
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    PRIMARY KEY (code, id),
    CHECK ((discount_percent IS NULL) <> (discount_amount IS NULL))
);

CREATE UNIQUE INDEX coupons_open ON coupons (code) WHERE closed_at IS NULL;

-- What an order without a coupon has none of: no page more.
ALTER TABLE orders ADD COLUMN coupon_id BIGINT;
ALTER TABLE orders ADD COLUMN coupon_code TEXT;
ALTER TABLE order_lines ADD COLUMN discount BIGINT;

CREATE INDEX orders_by_coupon ON orders (coupon_id) WHERE coupon_id IS NOT NULL;
