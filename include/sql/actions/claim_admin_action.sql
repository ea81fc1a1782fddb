-- Take a form's id before something is done that can't be done twice; no row: it was taken before. Locks: its row.
-- Parameters:
--   action_id: uuid            the id that the form bears
--   kind, actor, reason: text  what will be done, by whom, and why
INSERT INTO ses_bounces.admin_action (action_id, kind, actor, reason, results)
VALUES (%(action_id)s, %(kind)s, %(actor)s, %(reason)s, '{}')
ON CONFLICT (action_id) DO NOTHING
RETURNING action_id
