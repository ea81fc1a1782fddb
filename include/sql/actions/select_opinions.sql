-- The last answer of SES about each of some addresses, with when and by whom it was asked. Locks: none.
-- Parameters:
--   kind: text   of the action that asks
--   ids: text[]  of the addresses, as numbers
SELECT DISTINCT ON (r.key) r.key, a.acted_at, a.actor, r.value
FROM ses_bounces.admin_action a
CROSS JOIN jsonb_each(a.results) r(key, value)
WHERE a.kind = %(kind)s AND a.results ?| %(ids)s::text[] AND r.key = ANY (%(ids)s::text[])
ORDER BY r.key, a.acted_at DESC
