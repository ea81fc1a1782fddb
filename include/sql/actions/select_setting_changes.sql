-- The last changes of the settings by way of the page: when, who, why, and which keys. Locks: none.
--   kind, limit
SELECT a.acted_at, a.actor, a.reason, ARRAY(SELECT jsonb_object_keys(a.results) ORDER BY 1)
FROM ses_bounces.admin_action a
WHERE a.kind = %(kind)s
ORDER BY a.acted_at DESC
LIMIT %(limit)s
