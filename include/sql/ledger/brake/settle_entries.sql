-- Give some of a brake's messages what was decided; yields message, dedup_key and listing. Locks: the rows updated.
-- Parameters:
--   brake_id: bigint  the brake
--   limit: bigint     the most messages
--   decision: text    confirmed or dismissed
UPDATE ses_bounces.held_entry h
SET decision = %(decision)s
FROM (
    SELECT DISTINCT x.message_id
    FROM ses_bounces.held_entry x
    WHERE x.brake_id = %(brake_id)s AND x.decision IS NULL
    ORDER BY x.message_id
    LIMIT %(limit)s
) c
WHERE h.brake_id = %(brake_id)s AND h.message_id = c.message_id AND h.decision IS NULL
RETURNING h.message_id, h.dedup_key, h.listing
