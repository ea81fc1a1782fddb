-- Decide about what is held of some messages; yields message and brake of each entry. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]   the messages
--   decision: text  confirmed or dismissed
UPDATE ses_bounces.held_entry h
SET decision = %(decision)s
WHERE h.message_id = ANY (%(ids)s) AND h.message_id > 0 AND h.decision IS NULL
RETURNING h.message_id, h.brake_id
