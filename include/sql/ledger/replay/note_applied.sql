-- Note that a window was replayed. Locks: its row.
-- Parameters:
--   first, last: timestamptz  the window
--   rules: text               the rules, as a text that another set of rules does not have
UPDATE ses_bounces.replay p SET applied_at = now()
WHERE p.window_first = %(first)s AND p.window_last = %(last)s AND p.rules = %(rules)s
