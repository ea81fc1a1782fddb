-- The search index, of what stands in the place of an erased address. Locks: the row written.
-- Parameters:
--   id: bigint  the address
--   name: text  what stands in its place
UPDATE ses_bounces.address_search s SET address = %(name)s, grams = ses_bounces.address_grams(%(name)s) WHERE s.address_id = %(id)s
