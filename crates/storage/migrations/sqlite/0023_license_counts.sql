-- What licenses grant in numbers, for the doctor: how many machines, uses or processings; null without a limit.
CREATE VIEW license_counts AS
    SELECT id, account, product, state, issue, expires_at, json_extract(terms, '$.kind') AS kind,
        CAST(json_extract(terms, '$.count') AS INTEGER) AS count,
        CAST(json_extract(limits, '$.machines') AS INTEGER) AS machines
    FROM licenses;
