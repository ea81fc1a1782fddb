-- Up to limit addresses whose time has come, into touched_address. Locks: none.
--   expire_before  see address_state.sql.
INSERT INTO touched_address
SELECT a.address_id FROM ses_bounces.address a
WHERE a.due_at <= %(expire_before)s
ORDER BY a.due_at
LIMIT %(limit)s
