-- Which of some addresses were blocked before a time, with their weightiest reason and what lifted it.
-- Yields the number of all in each row. Locks: none.
-- Parameters:
--   ids: bigint[]        addresses that are not blocked at the end
--   before: timestamptz  the time of the state
--   at: timestamptz      up to when the lifting is looked for
--   limit: bigint        the most rows
SELECT count(*) OVER (), a.address, c.reason, c.since, l.occurred_at, l.kind, l.actor, l.reason
FROM ses_bounces.address_state(%(ids)s::bigint[], %(before)s, %(before)s) s
JOIN ses_bounces.address a ON a.address_id = s.address_id
CROSS JOIN LATERAL (
    SELECT x.reason, x.since
    FROM ses_bounces.blocking_causes(
        s.is_protected, s.since_stop_request, s.since_complaint, s.since_unsubscribed,
        s.since_permanent_bounce, s.since_ses_suppression, s.since_expired_transient
    ) x
    ORDER BY array_position(
        ARRAY['stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'],
        x.reason
    )
    LIMIT 1
) c
LEFT JOIN LATERAL (
    SELECT e.occurred_at, e.kind, e.actor, e.reason
    FROM ses_bounces.address_event e
    WHERE e.address_id = s.address_id AND e.superseded_at IS NULL
        AND e.kind IN ('delivery', 'transient_deleted', 'unblocked', 'deadline_extended')
        AND e.occurred_at > %(before)s AND e.occurred_at <= %(at)s
    ORDER BY e.occurred_at DESC, e.dedup_key
    LIMIT 1
) l ON true
ORDER BY a.address
LIMIT %(limit)s
