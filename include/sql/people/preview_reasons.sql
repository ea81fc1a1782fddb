-- What enforcing would block, by the reason that weighs most: one row for each reason and one for all (reason null).
-- Locks: none.
WITH blocked AS (
    SELECT b.address_id, min(array_position(
        ARRAY['stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'],
        b.reason
    )) AS weight
    FROM ses_bounces.blocked_list b
    WHERE b.unblocked_at IS NULL
    GROUP BY b.address_id
)
SELECT (ARRAY[
        'stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'
    ])[b.weight], count(*)
FROM blocked b
GROUP BY GROUPING SETS ((b.weight), ())
ORDER BY b.weight
