-- Which of some addresses are on record, and the open causes of their blocks. Locks: none.
-- Parameters:
--   addresses: text[]  keys
SELECT a.address, a.address_id, b.reason, b.blocked_at
FROM ses_bounces.address a
-- Each by itself: all blocks are more than those of some thousand addresses.
LEFT JOIN LATERAL (
    SELECT x.reason, x.blocked_at
    FROM ses_bounces.blocked_list x
    WHERE x.address_id = a.address_id AND x.unblocked_at IS NULL
    OFFSET 0
) b ON true
WHERE a.address = ANY (%(addresses)s)
ORDER BY a.address_id, b.reason
