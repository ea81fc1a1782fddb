-- What a form was answered when it was sent before. Locks: none.
-- Parameters:
--   action_id: uuid  the id that the form bears
SELECT a.kind, a.actor, a.results
FROM ses_bounces.admin_action a
WHERE a.action_id = %(action_id)s
