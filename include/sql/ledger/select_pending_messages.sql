-- What was landed and not yet classified, the oldest first. Locks: none.
-- Parameters:
--   sent_at: timestamptz  when the message to begin behind was sent
--   message_id: bigint    its id
--   limit: bigint         the most messages
--   bytes: bigint         no more once their bodies are so long, but the first in any case: of a body that is stored
--                         elsewhere, its length is known without reading it
SELECT w.message_id, w.received_at, w.sent_at, w.event_type, w.body
FROM (
    SELECT n.*, sum(octet_length(n.body)) OVER (ORDER BY n.sent_at, n.message_id ROWS UNBOUNDED PRECEDING) AS bytes
    FROM (
        SELECT m.message_id, m.received_at, m.sent_at, m.event_type, m.body
        FROM ses_bounces.message m
        WHERE m.outcome = 'pending' AND (m.sent_at, m.message_id) > (%(sent_at)s, %(message_id)s)
        ORDER BY m.sent_at, m.message_id
        LIMIT %(limit)s
    ) n
) w
WHERE w.bytes - octet_length(w.body) < %(bytes)s
ORDER BY w.sent_at, w.message_id
