-- Note that a window was tried with today's rules. Locks: its row.
-- Parameters:
--   first, last: timestamptz  the window
--   rules: text               the rules, as a text that another set of rules does not have
--   changes: jsonb            what would change, counted
INSERT INTO ses_bounces.replay AS p (window_first, window_last, rules, tried_at, changes)
VALUES (%(first)s, %(last)s, %(rules)s, now(), %(changes)s::jsonb)
ON CONFLICT (window_first, window_last, rules) DO UPDATE SET tried_at = now(), changes = excluded.changes
