-- Messages of a window that can be read again, in the order of their receipt. Locks: none.
-- Parameters:
--   first, last: timestamptz  of their send time, from inclusive, to exclusive
--   received: timestamptz     when the message to begin behind was received
--   id: bigint                its id
--   limit: bigint             the most messages
--   bytes: bigint             no more once their bodies are so long, but the first in any case
SELECT w.message_id, w.received_at, w.sent_at, w.outcome, w.body, w.erased_at IS NOT NULL
FROM (
    SELECT n.*, sum(octet_length(n.body)) OVER (ORDER BY n.received_at, n.message_id ROWS UNBOUNDED PRECEDING) AS bytes
    FROM (
        SELECT m.message_id, m.received_at, m.sent_at, m.outcome, m.body, m.erased_at
        FROM ses_bounces.message m
        WHERE m.received_at >= %(received)s AND (m.received_at, m.message_id) > (%(received)s, %(id)s)
            AND m.sent_at >= %(first)s AND m.sent_at < %(last)s
            AND m.body IS NOT NULL AND m.outcome IN ('applied', 'no_effect', 'quarantined')
        ORDER BY m.received_at, m.message_id
        LIMIT %(limit)s
    ) n
) w
WHERE w.bytes - octet_length(w.body) < %(bytes)s
ORDER BY w.received_at, w.message_id
