-- Put a body that spells no erased address in the place of one that did, or none, and note when. Locks: the row.
-- Parameters:
--   id: bigint                the message
--   received_at: timestamptz  NULL: it is in quarantine
--   body: text                the new one, or NULL
WITH received AS (
    UPDATE ses_bounces.message m
    SET body = %(body)s, erased_at = clock_timestamp()
    WHERE m.message_id = %(id)s AND m.received_at = %(received_at)s::timestamptz
)
UPDATE ses_bounces.quarantine q
SET body = %(body)s, erased_at = clock_timestamp()
WHERE q.message_id = %(id)s AND %(received_at)s::timestamptz IS NULL
