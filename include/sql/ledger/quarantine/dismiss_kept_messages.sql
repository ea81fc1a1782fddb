-- The same for messages whose day partition is gone: their time is over, so their bodies go. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]  the messages
UPDATE ses_bounces.quarantine q
SET outcome = 'dismissed', body = NULL
WHERE q.message_id = ANY (%(ids)s) AND q.outcome IN ('held', 'quarantined')
RETURNING q.message_id
