-- Register the addresses of incoming_entry. All who do so hold the lock of lock_state.sql: no conflict to look for, which
-- would cost a third more. Locks: the rows inserted.
INSERT INTO ses_bounces.address (address, address_as_reported)
SELECT DISTINCT ON (i.address) i.address, i.address_as_reported
FROM incoming_entry i
WHERE NOT EXISTS (SELECT FROM ses_bounces.address a WHERE a.address = i.address)
ORDER BY i.address, i.place
