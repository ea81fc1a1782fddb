-- The newest size that was noted, and the oldest of the days before it that growth is told from: when each was noted,
-- the bytes of schema ses_bounces, and those of its database. Locks: none.
-- Parameters:
--   days: integer  how far to look back from the newest
WITH newest AS (SELECT max(s.day) AS day FROM ses_bounces.size_day s)
SELECT s.noted_at, s.schema_bytes, s.database_bytes
FROM ses_bounces.size_day s
CROSS JOIN newest n
WHERE s.day IN (
    n.day, (SELECT min(x.day) FROM ses_bounces.size_day x WHERE x.day >= n.day - %(days)s)
)
ORDER BY s.day
