-- How many addresses are blocked, counted to 10,001 by way of an index. Locks: none.
SELECT count(*)
FROM (SELECT DISTINCT b.address_id FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL LIMIT 10001) x
