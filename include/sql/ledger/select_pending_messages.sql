-- What was landed and not yet classified, the oldest first. Locks: none.
-- Parameters:
--   sent_at: timestamptz  when the message to begin behind was sent
--   message_id: bigint    its id
--   limit: bigint         the most messages
SELECT m.message_id, m.received_at, m.sent_at, m.event_type, m.body
FROM ses_bounces.message m
WHERE m.outcome = 'pending' AND (m.sent_at, m.message_id) > (%(sent_at)s, %(message_id)s)
ORDER BY m.sent_at, m.message_id
LIMIT %(limit)s
