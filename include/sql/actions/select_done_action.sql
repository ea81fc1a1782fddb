-- What an administrator did, and to which targets. Locks: none.
-- Parameters:
--   action_id: uuid  the id that its form bore
SELECT a.kind, a.actor, a.reason, a.acted_at, a.results
FROM ses_bounces.admin_action a
WHERE a.action_id = %(action_id)s
