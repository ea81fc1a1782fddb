-- How many are blocked, by reason, and how many of these since a time; the row without reason counts each address once.
-- Reads report_block.
-- Locks: none.
-- Parameters:
--   since: timestamptz  the time
SELECT b.reason, count(DISTINCT b.address_id), count(DISTINCT b.address_id) FILTER (WHERE b.since >= %(since)s)
FROM report_block b
GROUP BY GROUPING SETS ((b.reason), ())
