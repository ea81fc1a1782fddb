-- Messages of a detached day that became pending after it was looked at (a retry) come back as if
-- received now.
--   {table}  the day's table. Locks: the rows inserted.
INSERT INTO ses_bounces.message (
    message_id, sqs_message_id, queue_url, event_type, body, sent_at, received_at, receive_count, outcome, erased_at
)
SELECT m.message_id, m.sqs_message_id, m.queue_url, m.event_type, m.body, m.sent_at, now(), m.receive_count, 'pending',
    m.erased_at
FROM {table} m
WHERE m.outcome = 'pending'
