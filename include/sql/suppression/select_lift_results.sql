-- What became of some requests. Locks: none.
-- Parameters:
--   ids: bigint[]  the requests
SELECT r.unblock_request_id, r.result
FROM ses_bounces.unblock_request r
WHERE r.unblock_request_id = ANY (%(ids)s)
