-- Lifts that wait for SES, and those that were refused in the last 30 days and not asked for again, the newest first.
-- Locks: none.
-- Parameters:
--   lifted: text   the result of a lift that was done
--   limit: bigint  the most requests
SELECT r.unblock_request_id, r.address_id, a.address, r.lifts, r.actor, r.reason, r.requested_at, r.finished_at, r.result
FROM (
    (SELECT o.* FROM ses_bounces.unblock_request o WHERE o.finished_at IS NULL LIMIT %(limit)s)
    UNION ALL
    (
        SELECT f.* FROM ses_bounces.unblock_request f
        WHERE f.finished_at >= now() - interval '30 days' AND f.result <> %(lifted)s
            AND NOT EXISTS (
                SELECT FROM ses_bounces.unblock_request later
                WHERE later.address_id = f.address_id AND later.requested_at > f.requested_at
            )
        ORDER BY f.finished_at DESC
        LIMIT %(limit)s
    )
) r
JOIN ses_bounces.address a ON a.address_id = r.address_id
ORDER BY r.finished_at IS NOT NULL, r.requested_at DESC, r.unblock_request_id DESC
LIMIT %(limit)s
