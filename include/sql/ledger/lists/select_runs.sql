-- What the last tasks did, the newest first. Locks: none.
-- Parameters:
--   limit: bigint  the most rows
SELECT r.run_id, r.task_id, r.map_index, r.try_number, r.started_at, r.finished_at, r.counts
FROM ses_bounces.run r
ORDER BY r.started_at DESC
LIMIT %(limit)s
