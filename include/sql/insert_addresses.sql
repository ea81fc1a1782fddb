-- Register the addresses of incoming_address. All who do so hold the lock of lock_state.sql: no conflict to look for,
-- which would cost a third more. Yields the id from which on they are new. Locks: the rows inserted.
WITH before AS (
    SELECT coalesce(max(a.address_id), 0) + 1 AS first_new FROM ses_bounces.address a
), inserted AS (
    INSERT INTO ses_bounces.address (address, address_as_reported)
    SELECT i.address, i.address_as_reported
    FROM incoming_address i
    WHERE NOT EXISTS (SELECT FROM ses_bounces.address a WHERE a.address = i.address)
    ORDER BY i.address
)
SELECT b.first_new FROM before b
