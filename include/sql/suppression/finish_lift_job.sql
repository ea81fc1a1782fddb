-- Note how an import job ended; its requests are deleted one by one where it did not do all of them.
-- Yields the requests that it did. Locks: the rows updated.
-- Parameters:
--   job_id: text   SES's id of the job
--   status: text   as SES spells it
--   done: boolean  it did all of its addresses
WITH job AS (
    UPDATE ses_bounces.lift_job j SET status = %(status)s, finished_at = clock_timestamp()
    WHERE j.job_id = %(job_id)s
), again AS (
    UPDATE ses_bounces.lift_step s SET job_id = NULL WHERE s.job_id = %(job_id)s AND NOT %(done)s
)
SELECT s.unblock_request_id FROM ses_bounces.lift_step s WHERE s.job_id = %(job_id)s AND %(done)s
