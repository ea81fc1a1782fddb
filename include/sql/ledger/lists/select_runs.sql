-- What the last tasks did, the newest first. Locks: none.
--   limit
SELECT r.run_id, r.task_id, r.map_index, r.try_number, r.started_at, r.finished_at, r.counts
FROM ses_bounces.run r
ORDER BY r.started_at DESC
LIMIT %(limit)s
