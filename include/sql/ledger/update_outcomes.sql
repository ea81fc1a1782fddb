-- Write what became of pending messages that share one outcome. Yields nothing. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]                      the messages
--   first, last: timestamptz           the span of their received_at, which names the partitions
--   outcome, reason, event_type: text  what became of them
--   keep_body: boolean                 false: empty the bodies
UPDATE ses_bounces.message m
SET outcome = %(outcome)s, reason = %(reason)s, event_type = coalesce(%(event_type)s, m.event_type),
    body = CASE WHEN %(keep_body)s THEN m.body END
WHERE m.message_id = ANY (%(ids)s) AND m.received_at BETWEEN %(first)s AND %(last)s AND m.outcome = 'pending'
