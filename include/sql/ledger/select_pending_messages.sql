-- What was landed and not yet classified, the oldest first. Locks: none.
--   sent_at, message_id  only those behind this one; limit  the most messages.
SELECT m.message_id, m.received_at, m.sent_at, m.event_type, m.body
FROM ses_bounces.message m
WHERE m.outcome = 'pending' AND (m.sent_at, m.message_id) > (%(sent_at)s, %(message_id)s)
ORDER BY m.sent_at, m.message_id
LIMIT %(limit)s
