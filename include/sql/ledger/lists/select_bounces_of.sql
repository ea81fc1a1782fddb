-- The rows of the Email Bounce List about one address, open and closed, the newest first. Locks: none.
-- Parameters:
--   address_id: bigint  the address
SELECT b.bounce_list_id, b.address_id, b.address, b.kind, b.details, b.bounce_sub_type, b.configuration_set, b.is_reply,
    b.first_bounced_at, b.last_bounced_at, b.bounce_count, b.transient_fix_deadline, b.opened_at, b.closed_at,
    b.closed_by, b.close_reason, '{}'::text[]
FROM ses_bounces.bounce_list b
WHERE b.is_open IN (true, false)
    AND b.address = (SELECT a.address FROM ses_bounces.address a WHERE a.address_id = %(address_id)s)
ORDER BY b.bounce_list_id DESC
LIMIT 200
