-- The same in both lists, also in rows that are closed. Locks: the rows written.
-- Parameters:
--   id: bigint  the address
--   name: text  what stands in its place
WITH bounced AS (
    UPDATE ses_bounces.bounce_list b SET address = %(name)s, details = NULL WHERE b.address_id = %(id)s
)
UPDATE ses_bounces.blocked_list b SET address = %(name)s WHERE b.address_id = %(id)s
