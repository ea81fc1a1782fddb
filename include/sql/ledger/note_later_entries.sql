-- Note which entries of the touched addresses are dated ahead. Locks: the rows inserted.
-- Parameters:
--   ids: bigint[]    the addresses
--   at: timestamptz  the time of the state
INSERT INTO ses_bounces.later_entry (address_id, occurred_at)
SELECT DISTINCT e.address_id, e.occurred_at
FROM ses_bounces.address_event e
WHERE e.address_id = ANY (%(ids)s::bigint[]) AND e.occurred_at > %(at)s AND e.superseded_at IS NULL
ON CONFLICT DO NOTHING
