-- Note that SES had addresses of requests on a list. Locks: the rows inserted or updated.
-- Parameters:
--   account, region: text  the list
--   ids: bigint[]          the requests
INSERT INTO ses_bounces.lift_step (unblock_request_id, account, region, was_listed)
SELECT unnest(%(ids)s::bigint[]), %(account)s, %(region)s, true
ON CONFLICT (unblock_request_id, account, region) DO UPDATE SET was_listed = true
