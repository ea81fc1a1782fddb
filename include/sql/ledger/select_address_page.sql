-- The ids of the addresses on record from an id on, so many. Locks: none.
--   after, limit
SELECT a.address_id FROM ses_bounces.address a WHERE a.address_id > %(after)s ORDER BY a.address_id LIMIT %(limit)s
