-- A raw message that was received in some days. Locks: none.
-- Parameters:
--   message_id: bigint        the message
--   first, last: timestamptz  the span of received_at, which names the partitions
SELECT m.received_at, m.outcome, m.body, m.reason, m.event_type, m.sent_at, m.queue_url
FROM ses_bounces.message m
WHERE m.message_id = %(message_id)s AND m.received_at >= %(first)s AND m.received_at <= %(last)s
