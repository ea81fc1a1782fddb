-- Finish the open requests whose addresses have left every list, up to limit; yields what the ledger needs.
-- Within writing(). Locks: the rows updated.
-- Parameters:
--   ids: bigint[]              only these; null: all
--   accounts, regions: text[]  one place in each array for each list that must be left
--   result: text               what is noted
--   limit: bigint              the most requests
WITH place AS (
    SELECT p.account, p.region FROM unnest(%(accounts)s::text[], %(regions)s::text[]) AS p(account, region)
), ready AS (
    SELECT r.unblock_request_id
    FROM ses_bounces.unblock_request r
    WHERE r.finished_at IS NULL
        AND (%(ids)s::bigint[] IS NULL OR r.unblock_request_id = ANY (%(ids)s::bigint[]))
        AND NOT EXISTS (
            SELECT FROM place p
            WHERE NOT EXISTS (
                SELECT FROM ses_bounces.lift_step s
                WHERE s.unblock_request_id = r.unblock_request_id AND s.account = p.account AND s.region = p.region
                    AND s.lifted_at IS NOT NULL
            )
        )
    ORDER BY r.unblock_request_id
    LIMIT %(limit)s
    FOR UPDATE
), finished AS (
    UPDATE ses_bounces.unblock_request r
    SET finished_at = clock_timestamp(), result = %(result)s
    FROM ready y
    WHERE r.unblock_request_id = y.unblock_request_id
    RETURNING r.unblock_request_id, r.address_id, r.lifts, r.actor, r.reason
)
SELECT f.unblock_request_id, a.address, f.lifts, f.actor, f.reason
FROM finished f
JOIN ses_bounces.address a ON a.address_id = f.address_id
ORDER BY f.unblock_request_id
