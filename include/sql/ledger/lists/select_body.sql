-- A raw message that was received in some days. Locks: none.
--   message_id; first, last  the span of received_at, which names the partitions
SELECT m.received_at, m.outcome, m.body
FROM ses_bounces.message m
WHERE m.message_id = %(message_id)s AND m.received_at >= %(first)s AND m.received_at <= %(last)s
