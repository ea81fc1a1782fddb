-- About how many rows of the Email Bounce List have which of the configuration sets, from a sample of 0.5 percent.
-- Locks: none.
-- Parameters:
--   is_open: boolean  of the open rows, or of the closed ones
SELECT b.configuration_set, count(*) * 200, count(*)
FROM ses_bounces.bounce_list b TABLESAMPLE SYSTEM (0.5) REPEATABLE (0)
WHERE b.is_open = %(is_open)s AND b.configuration_set IS NOT NULL
GROUP BY b.configuration_set
