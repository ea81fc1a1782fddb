-- The mirror of never_block, with what stands in the place of an erased address. Locks: the row written.
-- Parameters:
--   key: text   the address
--   name: text  what stands in its place
UPDATE ses_bounces.protected p SET pattern = %(name)s WHERE p.pattern = %(key)s
