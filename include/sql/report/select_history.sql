-- Blocks in force by the day on which they began, and by reason.
-- Reads report_block.
-- Locks: none.
-- Parameters:
--   since: timestamptz  the earliest time
--   zone: text          whose days
SELECT (b.since AT TIME ZONE %(zone)s)::date, b.reason, count(*)
FROM report_block b
WHERE b.since >= %(since)s
GROUP BY 1, 2
