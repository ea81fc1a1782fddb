-- How many people are at addresses that enforcing would block, and whose flag is not off: those whose Allow Group Email
-- it would switch off. Locks: none.
SELECT count(*)
FROM {table} p
JOIN (SELECT DISTINCT b.address FROM ses_bounces.blocked_list b WHERE b.unblocked_at IS NULL) b
    ON b.address = ses_bounces.address_key(p.{email}::text)
WHERE p.{flag} IS DISTINCT FROM false
