-- Keep what a form was answered, beside what it was answered for other targets. Locks: its row.
-- Parameters:
--   action_id: uuid            the id that the form bears
--   kind, actor, reason: text  what was done, by whom, and why
--   results: jsonb             by target, what was asked and the answer
INSERT INTO ses_bounces.admin_action AS a (action_id, kind, actor, reason, results)
VALUES (%(action_id)s, %(kind)s, %(actor)s, %(reason)s, %(results)s::jsonb)
ON CONFLICT (action_id) DO UPDATE SET results = a.results || excluded.results
