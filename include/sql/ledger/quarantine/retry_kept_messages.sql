-- The same for messages whose day partition is gone: they come back as if received now. Locks: the rows moved.
-- Parameters:
--   ids: bigint[]  the messages
WITH taken AS (
    DELETE FROM ses_bounces.quarantine q
    WHERE q.message_id = ANY (%(ids)s) AND q.outcome IN ('held', 'quarantined')
    RETURNING q.message_id, q.sqs_message_id, q.queue_url, q.event_type, q.body, q.sent_at, q.receive_count,
        q.erased_at
)
INSERT INTO ses_bounces.message (
    message_id, sqs_message_id, queue_url, event_type, body, sent_at, received_at, receive_count, outcome, erased_at
)
SELECT t.message_id, t.sqs_message_id, t.queue_url, t.event_type, t.body, t.sent_at, now(), t.receive_count, 'pending',
    t.erased_at
FROM taken t
RETURNING message_id
