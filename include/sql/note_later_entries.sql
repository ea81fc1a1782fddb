-- Note which entries of touched_address are dated ahead. Locks: the rows inserted.
--   at  the time of the state.
INSERT INTO ses_bounces.later_entry (address_id, occurred_at)
SELECT DISTINCT e.address_id, e.occurred_at
FROM ses_bounces.address_event e
JOIN touched_address t ON t.address_id = e.address_id
WHERE e.occurred_at > %(at)s AND e.superseded_at IS NULL
ON CONFLICT DO NOTHING
