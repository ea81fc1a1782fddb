-- Up to limit addresses whose time has come, into touched_address. Locks: none.
-- Parameters:
--   at, expire_before: timestamptz  see functions/address_state.sql
--   limit: bigint                   the most addresses
INSERT INTO touched_address
SELECT due.address_id
FROM (
    (
        SELECT b.address_id
        FROM ses_bounces.bounce_list b
        WHERE b.closed_at IS NULL AND b.due_at <= %(expire_before)s
        ORDER BY b.due_at
        LIMIT %(limit)s
    )
    UNION ALL
    SELECT l.address_id FROM ses_bounces.later_entry l WHERE l.occurred_at <= %(at)s
) due
LIMIT %(limit)s
