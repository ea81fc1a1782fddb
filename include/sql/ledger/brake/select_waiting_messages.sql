-- The messages among these with an entry that still waits for a decision. Locks: none.
-- Parameters:
--   ids: bigint[]  the messages
SELECT DISTINCT h.message_id FROM ses_bounces.held_entry h WHERE h.message_id = ANY (%(ids)s) AND h.decision IS NULL
