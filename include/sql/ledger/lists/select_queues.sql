-- How far each queue was drained. Locks: none.
SELECT q.queue_url, q.belongs_to, q.last_drained_at, q.emptied_at, q.left_since
FROM ses_bounces.queue q
ORDER BY q.belongs_to, q.queue_url
