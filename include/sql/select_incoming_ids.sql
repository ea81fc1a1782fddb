-- The ids of the addresses in incoming_address, in their order. Locks: none.
SELECT a.address_id
FROM incoming_address i
JOIN ses_bounces.address a ON a.address = i.address
ORDER BY i.place
