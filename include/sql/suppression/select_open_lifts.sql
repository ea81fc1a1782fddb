-- The next open unblock requests, by id, with what of them one of SES's lists still has to do: its address as
-- reported, its key, the spellings that the copy of the list has. Those that an import job does are left out.
-- Locks: none.
-- Parameters:
--   account, region: text  the list
--   after: bigint          the id to begin behind
--   ids: bigint[]          only these; null: all
--   untried: boolean       only those that were never tried
--   limit: bigint          the most requests
SELECT r.unblock_request_id, a.address_as_reported, a.address,
    ARRAY(
        SELECT l.listed_address FROM ses_bounces.ses_listed l
        WHERE l.account = %(account)s AND l.region = %(region)s AND l.address = a.address
    )
FROM ses_bounces.unblock_request r
JOIN ses_bounces.address a ON a.address_id = r.address_id
LEFT JOIN ses_bounces.lift_step s ON s.unblock_request_id = r.unblock_request_id
    AND s.account = %(account)s AND s.region = %(region)s
WHERE r.finished_at IS NULL AND r.unblock_request_id > %(after)s
    AND (%(ids)s::bigint[] IS NULL OR r.unblock_request_id = ANY (%(ids)s::bigint[]))
    AND s.lifted_at IS NULL AND s.job_id IS NULL
    AND (NOT %(untried)s OR s.unblock_request_id IS NULL)
ORDER BY r.unblock_request_id
LIMIT %(limit)s
