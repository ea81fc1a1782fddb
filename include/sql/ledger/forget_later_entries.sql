-- Forget the entries of the touched addresses that are no longer ahead. Locks: the rows deleted.
-- Parameters:
--   ids: bigint[]    the addresses
--   at: timestamptz  the time of the state
DELETE FROM ses_bounces.later_entry l
WHERE l.address_id = ANY (%(ids)s::bigint[]) AND l.occurred_at <= %(at)s
