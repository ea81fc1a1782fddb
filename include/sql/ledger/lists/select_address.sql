-- What is known of an address beside its entries. Locks: none.
-- Parameters:
--   address_id: bigint  the address
SELECT a.address_id, a.address, a.address_as_reported, a.created_at,
    (SELECT d.occurred_at FROM ses_bounces.last_delivery d WHERE d.address_id = a.address_id),
    EXISTS (SELECT FROM ses_bounces.protected t WHERE t.pattern IN (a.address, '@' || a.domain)),
    (
        SELECT count(DISTINCT c.person_id)
        FROM ses_bounces.flag_change c
        WHERE c.address_id = a.address_id AND NOT c.new_value AND (c.settled_at IS NULL OR c.settlement = 'touched')
    )
FROM ses_bounces.address a
WHERE a.address_id = %(address_id)s
