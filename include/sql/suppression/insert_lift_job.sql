-- Note an import job of SES, and which requests it does. Locks: the rows inserted.
-- Parameters:
--   job_id: text           SES's id of the job
--   account, region: text  the list
--   object_url: text       the file that SES reads
--   ids: bigint[]          the requests
WITH job AS (
    INSERT INTO ses_bounces.lift_job (job_id, account, region, object_url, status)
    VALUES (%(job_id)s, %(account)s, %(region)s, %(object_url)s, 'CREATED')
)
INSERT INTO ses_bounces.lift_step (unblock_request_id, account, region, job_id)
SELECT unnest(%(ids)s::bigint[]), %(account)s, %(region)s, %(job_id)s
ON CONFLICT DO NOTHING
