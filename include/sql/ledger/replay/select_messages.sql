-- Messages of a window that can be read again, in the order of their receipt. Locks: none.
--   first, last    of their send time, from inclusive, to exclusive
--   received, id   the position behind which to begin; limit
SELECT m.message_id, m.received_at, m.sent_at, m.outcome, m.body
FROM ses_bounces.message m
WHERE m.received_at >= %(received)s AND (m.received_at, m.message_id) > (%(received)s, %(id)s)
    AND m.sent_at >= %(first)s AND m.sent_at < %(last)s
    AND m.body IS NOT NULL AND m.outcome IN ('applied', 'no_effect', 'quarantined')
ORDER BY m.received_at, m.message_id
LIMIT %(limit)s
