-- The ids of the addresses on record from an id on, up to limit. Locks: none.
-- Parameters:
--   after: bigint  the id to begin behind
--   limit: bigint  the most addresses
SELECT a.address_id FROM ses_bounces.address a WHERE a.address_id > %(after)s ORDER BY a.address_id LIMIT %(limit)s
