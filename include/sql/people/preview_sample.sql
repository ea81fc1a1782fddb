-- Some of the addresses that enforcing would block, scattered over all of them and the same ones each time: id, the
-- reason that weighs most, since when, and the bounces there were. Locks: none.
-- Parameters:
--   limit: bigint  the most addresses
WITH first AS (
    -- An address has six causes at most, so these rows are enough; a few are kept while all are read, none is sorted.
    SELECT b.address_id
    FROM ses_bounces.blocked_list b
    WHERE b.unblocked_at IS NULL
    ORDER BY hashint8(b.address_id), b.address_id
    LIMIT 6 * %(limit)s
), sampled AS (
    SELECT DISTINCT ON (hashint8(b.address_id), b.address_id) b.address_id, b.address, b.reason, b.blocked_at
    FROM ses_bounces.blocked_list b
    WHERE b.unblocked_at IS NULL AND b.address_id IN (SELECT f.address_id FROM first f)
    ORDER BY hashint8(b.address_id), b.address_id, array_position(
        ARRAY['stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'],
        b.reason
    )
    LIMIT %(limit)s
)
SELECT s.address_id, s.address, s.reason, s.blocked_at, l.bounce_count
FROM sampled s
LEFT JOIN ses_bounces.bounce_list l ON l.address_id = s.address_id AND l.closed_at IS NULL
ORDER BY hashint8(s.address_id), s.address_id
