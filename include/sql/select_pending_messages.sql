-- A chunk of what was landed and not yet classified, the oldest first. Locks: none.
--   limit  the most messages; max_bytes of their bodies are not to be passed by more than one message.
SELECT m.message_id, m.received_at, m.sent_at, m.event_type, m.body
FROM (
    SELECT p.*, sum(octet_length(p.body)) OVER (ORDER BY p.sent_at, p.message_id) - octet_length(p.body) AS before
    FROM (
        SELECT x.message_id, x.received_at, x.sent_at, x.event_type, x.body
        FROM ses_bounces.message x
        WHERE x.outcome = 'pending'
        ORDER BY x.sent_at, x.message_id
        LIMIT %(limit)s
    ) p
) m
WHERE m.before < %(max_bytes)s
