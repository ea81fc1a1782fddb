-- What is held of one of SES's lists, with what stands in the place of an erased address. Locks: the row written.
--   message_id, old  its key; new  the dedup_key that it gets; name
UPDATE ses_bounces.held_entry h
SET dedup_key = %(new)s,
    listing = h.listing || jsonb_build_object('address', %(name)s::text, 'reported', %(name)s::text)
WHERE h.message_id = %(message_id)s AND h.dedup_key = %(old)s
