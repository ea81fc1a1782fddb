-- Register the addresses of incoming_address. All who do so hold the lock of ledger/lock_state.sql: no conflict to look
-- for, which would cost a third more. Yields the id from which on they are new, and the id of each, in their order.
-- Locks: the rows inserted.
WITH before AS (
    SELECT coalesce(max(a.address_id), 0) + 1 AS first_new FROM ses_bounces.address a
), incoming AS MATERIALIZED (
    SELECT i.place, i.address, i.address_as_reported,
        -- Looked up for each: a join read the whole registry for each chunk of a backlog.
        (SELECT a.address_id FROM ses_bounces.address a WHERE a.address = i.address) AS address_id
    FROM incoming_address i
), inserted AS (
    INSERT INTO ses_bounces.address (address, address_as_reported)
    SELECT i.address, i.address_as_reported
    FROM incoming i
    WHERE i.address_id IS NULL
    ORDER BY i.address
    RETURNING address_id, address
)
SELECT b.first_new, coalesce(i.address_id, n.address_id)
FROM before b
CROSS JOIN incoming i
LEFT JOIN inserted n ON n.address = i.address
ORDER BY i.place
