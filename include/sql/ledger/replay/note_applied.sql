-- Note that a window was replayed. Locks: its row.
--   first, last, rules
UPDATE ses_bounces.replay p SET applied_at = now()
WHERE p.window_first = %(first)s AND p.window_last = %(last)s AND p.rules = %(rules)s
