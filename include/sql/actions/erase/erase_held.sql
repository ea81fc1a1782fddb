-- What is held of one of SES's lists, with what stands in the place of an erased address. Locks: the row written.
-- Parameters:
--   message_id: bigint  the message that the entry came with
--   old: bytea          its dedup_key
--   new: bytea          the dedup_key that it gets
--   name: text          what stands in the place of the address
UPDATE ses_bounces.held_entry h
SET dedup_key = %(new)s,
    listing = h.listing || jsonb_build_object('address', %(name)s::text, 'reported', %(name)s::text)
WHERE h.message_id = %(message_id)s AND h.dedup_key = %(old)s
