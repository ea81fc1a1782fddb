-- Put what stands in its place into the row of an erased address, and note that it was. Locks: the rows written.
-- Parameters:
--   id: bigint           the address
--   name: text           what stands in its place
--   secret_check: bytea  tells the secret that made the name from another
WITH noted AS (
    INSERT INTO ses_bounces.erased_address (address_id, secret_check)
    VALUES (%(id)s, %(secret_check)s)
    ON CONFLICT (address_id) DO NOTHING
)
UPDATE ses_bounces.address a
SET address = %(name)s, address_as_reported = %(name)s
WHERE a.address_id = %(id)s
