-- What became of some requests. Locks: none.
SELECT r.unblock_request_id, r.result
FROM ses_bounces.unblock_request r
WHERE r.unblock_request_id = ANY (%(ids)s)
