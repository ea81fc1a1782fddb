-- The copy of SES's lists, with what stands in the place of an erased address. Locks: the rows written.
-- Parameters:
--   key: text   the address
--   name: text  what stands in its place
UPDATE ses_bounces.ses_listed l SET listed_address = %(name)s, address = %(name)s WHERE l.address = %(key)s
