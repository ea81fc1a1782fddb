-- When the queue of each message was first drained. Locks: none.
-- Parameters:
--   ids: bigint[]             the messages
--   first, last: timestamptz  the span of their received_at, which names the partitions
SELECT m.message_id, q.first_drained_at
FROM ses_bounces.message m
JOIN ses_bounces.queue q USING (queue_url)
WHERE m.message_id = ANY (%(ids)s) AND m.received_at BETWEEN %(first)s AND %(last)s
