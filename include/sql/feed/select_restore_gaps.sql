-- The times whose messages a restore lost, by queue: sent since the queue was last read to the end before the restored
-- time, and read before the first drain after it. A queue that was drained since shows its new state: then the drains
-- of before say how far behind the last of them was. Locks: none.
-- Parameters:
--   restored_to: timestamptz  the time to which Postgres was put back
--   queue_urls: text[]        the queues of the settings, and others that are known count as well
WITH drained AS (
    SELECT r.run_id, r.started_at,
        r.started_at - make_interval(secs => coalesce((r.counts ->> 'behind_seconds')::float8, 0)) AS read_to
    FROM ses_bounces.run r
    WHERE r.task_id = 'drain_queue'
), since_restore AS (
    SELECT coalesce(min(d.started_at), clock_timestamp()) AS began
    FROM drained d
    WHERE d.started_at > %(restored_to)s
), before_restore AS (
    SELECT min(d.read_to) AS read_to
    FROM drained d
    WHERE d.run_id = (
        SELECT l.run_id FROM drained l WHERE l.started_at <= %(restored_to)s ORDER BY l.started_at DESC LIMIT 1
    )
), known AS (
    SELECT q.queue_url, coalesce(q.left_since, q.emptied_at) AS read_to FROM ses_bounces.queue q
    UNION ALL
    SELECT u.url, NULL FROM unnest(%(queue_urls)s::text[]) u(url)
    WHERE NOT EXISTS (SELECT FROM ses_bounces.queue q WHERE q.queue_url = u.url)
)
SELECT k.queue_url,
    CASE WHEN k.read_to <= %(restored_to)s THEN k.read_to
    ELSE least(%(restored_to)s, (SELECT b.read_to FROM before_restore b)) END AS first,
    s.began AS last
FROM known k, since_restore s
ORDER BY k.queue_url
