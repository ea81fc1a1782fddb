-- Make held and quarantined messages pending again. Yields the messages changed. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]  the messages
UPDATE ses_bounces.message m
SET outcome = 'pending', reason = NULL
WHERE m.message_id = ANY (%(ids)s) AND m.outcome IN ('held', 'quarantined')
RETURNING m.message_id
