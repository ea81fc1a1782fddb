-- Whether a window was tried with today's rules. Locks: none.
-- Parameters:
--   first, last: timestamptz  the window
--   rules: text               the rules, as a text that another set of rules does not have
SELECT p.tried_at FROM ses_bounces.replay p
WHERE p.window_first = %(first)s AND p.window_last = %(last)s AND p.rules = %(rules)s
