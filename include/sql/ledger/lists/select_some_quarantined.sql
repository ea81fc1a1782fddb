-- Some quarantined and held messages, the newest first. Locks: none.
-- Parameters:
--   ids: bigint[]  the messages
SELECT m.message_id, m.received_at, m.sent_at, m.outcome, m.reason, m.event_type, m.queue_url, m.receive_count,
    length(m.body), m.is_kept
FROM (
    SELECT x.message_id, x.received_at, x.sent_at, x.outcome, x.reason, x.event_type, x.queue_url, x.receive_count,
        x.body, false AS is_kept
    FROM ses_bounces.message x
    WHERE x.message_id = ANY (%(ids)s) AND x.outcome IN ('held', 'quarantined')
    UNION ALL
    SELECT x.message_id, x.received_at, x.sent_at, x.outcome, x.reason, x.event_type, x.queue_url, x.receive_count,
        x.body, true
    FROM ses_bounces.quarantine x
    WHERE x.message_id = ANY (%(ids)s) AND x.outcome IN ('held', 'quarantined')
) m
ORDER BY m.received_at DESC, m.message_id DESC
