-- Register an address that only messages that wait are about, so that it can be erased. Locks: the row inserted.
-- Parameters:
--   key: text   the address
--   name: text  what stands in its place, once it was erased
INSERT INTO ses_bounces.address (address, address_as_reported)
SELECT %(key)s, %(key)s
WHERE NOT EXISTS (SELECT FROM ses_bounces.address a WHERE a.address IN (%(key)s, %(name)s))
