-- Write into open requests why their blocks are still there; for good: a person has to ask again.
-- Locks: the rows updated.
-- Parameters:
--   ids: bigint[]      the requests; null: all that are open
--   result: text       why
--   for_good: boolean  they are not tried again
UPDATE ses_bounces.unblock_request r
SET result = %(result)s, finished_at = CASE WHEN %(for_good)s THEN clock_timestamp() END
WHERE r.finished_at IS NULL AND (%(ids)s::bigint[] IS NULL OR r.unblock_request_id = ANY (%(ids)s::bigint[]))
