-- The import jobs of one of SES's lists that were not finished when they were last asked. Locks: none.
-- Parameters:
--   account, region: text  the list
SELECT j.job_id, j.object_url FROM ses_bounces.lift_job j
WHERE j.account = %(account)s AND j.region = %(region)s AND j.finished_at IS NULL
ORDER BY j.started_at
