-- Forget the entries of touched_address that are no longer ahead. Locks: the rows deleted.
--   at  the time of the state.
DELETE FROM ses_bounces.later_entry l
USING touched_address t
WHERE l.address_id = t.address_id AND l.occurred_at <= %(at)s
