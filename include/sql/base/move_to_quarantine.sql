-- Keep the quarantined and held messages of a detached day that is about to be dropped.
--   {table}  the day's table. Locks: the rows inserted.
INSERT INTO ses_bounces.quarantine (
    message_id, sqs_message_id, queue_url, event_type, body, sent_at, received_at, receive_count, outcome, reason,
    erased_at
)
SELECT m.message_id, m.sqs_message_id, m.queue_url, m.event_type, m.body, m.sent_at, m.received_at, m.receive_count,
    m.outcome, m.reason, m.erased_at
FROM {table} m
WHERE m.outcome IN ('quarantined', 'held')
ON CONFLICT (message_id) DO NOTHING
