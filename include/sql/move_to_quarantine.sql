-- Keep the quarantined and held messages of a day whose partition is about to be dropped.
--   first, next  the day and the day after. Locks: the rows inserted.
INSERT INTO ses_bounces.quarantine (
    message_id, sqs_message_id, queue_url, event_type, body, sent_at, received_at, receive_count, outcome, reason
)
SELECT m.message_id, m.sqs_message_id, m.queue_url, m.event_type, m.body, m.sent_at, m.received_at, m.receive_count,
    m.outcome, m.reason
FROM ses_bounces.message m
WHERE m.received_at >= (%(first)s::date AT TIME ZONE 'UTC') AND m.received_at < (%(next)s::date AT TIME ZONE 'UTC')
    AND m.outcome IN ('quarantined', 'held')
ON CONFLICT (message_id) DO NOTHING
