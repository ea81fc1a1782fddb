-- The last changes of the settings by way of the page: when, who, why, and which keys. Locks: none.
-- Parameters:
--   kind: text     of the action that changes settings
--   limit: bigint  the most changes
SELECT a.acted_at, a.actor, a.reason, ARRAY(SELECT jsonb_object_keys(a.results) ORDER BY 1)
FROM ses_bounces.admin_action a
WHERE a.kind = %(kind)s
ORDER BY a.acted_at DESC
LIMIT %(limit)s
