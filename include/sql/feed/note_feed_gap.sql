-- Note what a queue has thrown away unread: it was not drained for longer than it keeps messages. What a first drain
-- did not find was never known. Yields the gap where it is new or longer. Locks: the row written.
-- Parameters:
--   queue_url: text      the queue
--   retention: interval  how long it keeps messages
INSERT INTO ses_bounces.feed_gap AS g (queue_url, first, last)
SELECT q.queue_url, coalesce(q.left_since, q.emptied_at), now() - %(retention)s::interval
FROM ses_bounces.queue q
WHERE q.queue_url = %(queue_url)s AND coalesce(q.left_since, q.emptied_at) < now() - %(retention)s::interval
    -- A drain that could not tell how old what it left is, says a fortnight: that is no gap.
    AND coalesce(q.emptied_at, q.first_drained_at) < now() - %(retention)s::interval
ON CONFLICT (queue_url, first) DO UPDATE SET last = excluded.last WHERE g.last < excluded.last
RETURNING g.first, g.last
