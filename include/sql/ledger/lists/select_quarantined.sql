-- Quarantined and held messages, the newest first. Locks: none.
-- Parameters:
--   outcomes: text[]     quarantined, held
--   reason: text         only of this reason; null: any
--   before: timestamptz  when the message to begin behind was received
--   id: bigint           its id
--   limit: bigint        the most messages
SELECT m.message_id, m.received_at, m.sent_at, m.outcome, m.reason, m.event_type, m.queue_url, m.receive_count,
    m.characters, m.is_kept
FROM unnest(%(outcomes)s::text[]) o(outcome)
-- Each outcome by itself: an index has its messages in this order.
CROSS JOIN LATERAL (
    (
        SELECT x.message_id, x.received_at, x.sent_at, x.outcome, x.reason, x.event_type, x.queue_url, x.receive_count,
            length(x.body) AS characters, false AS is_kept
        FROM ses_bounces.message x
        WHERE x.outcome = o.outcome AND x.outcome IN ('held', 'quarantined')
            AND (%(reason)s::text IS NULL OR x.reason = %(reason)s)
            AND (x.received_at, x.message_id) < (coalesce(%(before)s, 'infinity'::timestamptz), coalesce(%(id)s, 0))
        ORDER BY x.received_at DESC, x.message_id DESC
        LIMIT %(limit)s
    )
    UNION ALL
    (
        SELECT x.message_id, x.received_at, x.sent_at, x.outcome, x.reason, x.event_type, x.queue_url, x.receive_count,
            length(x.body) AS characters, true AS is_kept
        FROM ses_bounces.quarantine x
        WHERE x.outcome = o.outcome AND x.outcome IN ('held', 'quarantined')
            AND (%(reason)s::text IS NULL OR x.reason = %(reason)s)
            AND (x.received_at, x.message_id) < (coalesce(%(before)s, 'infinity'::timestamptz), coalesce(%(id)s, 0))
        ORDER BY x.received_at DESC, x.message_id DESC
        LIMIT %(limit)s
    )
) m
ORDER BY m.received_at DESC, m.message_id DESC
LIMIT %(limit)s
