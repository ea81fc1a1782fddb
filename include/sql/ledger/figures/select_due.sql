-- The days that have to be counted again, the newest first, and how far they were asked for. Locks: none.
-- Parameters:
--   limit: bigint  the most days
SELECT u.day, max(u.figure_due_id) FROM ses_bounces.figure_due u GROUP BY u.day ORDER BY u.day DESC LIMIT %(limit)s
