-- What licenses grant in numbers, for the doctor: how many machines, uses or processings; null without a limit.
CREATE VIEW license_counts AS
    SELECT id, account, product, state, issue, expires_at, terms::json ->> 'kind' AS kind,
        CAST(terms::json ->> 'count' AS BIGINT) AS count,
        CAST(limits::json ->> 'machines' AS BIGINT) AS machines
    FROM licenses;
