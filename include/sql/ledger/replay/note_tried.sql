-- Note that a window was tried with today's rules. Locks: its row.
--   first, last, rules; changes  JSON
INSERT INTO ses_bounces.replay AS p (window_first, window_last, rules, tried_at, changes)
VALUES (%(first)s, %(last)s, %(rules)s, now(), %(changes)s::jsonb)
ON CONFLICT (window_first, window_last, rules) DO UPDATE SET tried_at = now(), changes = excluded.changes
