-- Note who did what to some messages, and why. Locks: the rows inserted.
-- Parameters:
--   ids: bigint[]        the messages
--   action: text         what was done
--   actor, reason: text  by whom, and why
INSERT INTO ses_bounces.message_action (message_id, action, actor, reason)
SELECT i.message_id, %(action)s, %(actor)s, %(reason)s
FROM unnest(%(ids)s::bigint[]) i(message_id)
