-- Which of some addresses are on record, and the open causes of their blocks. Locks: none.
--   addresses  keys
SELECT a.address, a.address_id, b.reason, b.blocked_at
FROM ses_bounces.address a
LEFT JOIN ses_bounces.blocked_list b ON b.address_id = a.address_id AND b.unblocked_at IS NULL
WHERE a.address = ANY (%(addresses)s)
ORDER BY a.address_id, b.reason
