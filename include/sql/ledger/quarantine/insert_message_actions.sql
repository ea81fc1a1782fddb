-- Note who did what to some messages, and why. Locks: the rows inserted.
--   ids, action, actor, reason
INSERT INTO ses_bounces.message_action (message_id, action, actor, reason)
SELECT i.message_id, %(action)s, %(actor)s, %(reason)s
FROM unnest(%(ids)s::bigint[]) i(message_id)
