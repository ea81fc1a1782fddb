-- Dismiss held and quarantined messages. Yields the messages changed. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]  the messages
UPDATE ses_bounces.message m
SET outcome = 'dismissed'
WHERE m.message_id = ANY (%(ids)s) AND m.outcome IN ('held', 'quarantined')
RETURNING m.message_id
