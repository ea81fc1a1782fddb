-- The runs whose drain was under way at a moment, two at most. Locks: none.
-- Parameters:
--   at: timestamptz  the moment
SELECT DISTINCT r.run_id
FROM ses_bounces.run r
WHERE r.task_id = 'drain_queue' AND r.started_at <= %(at)s AND r.started_at > %(at)s - interval '1 day'
    AND r.finished_at >= %(at)s
LIMIT 2
