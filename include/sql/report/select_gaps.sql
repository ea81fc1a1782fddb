-- The times of a day whose messages may be missing, by queue and cause. Locks: none.
-- Parameters:
--   starts_at, ends_at: timestamptz  the span of the day
SELECT regexp_replace(g.queue_url, '^.*/', ''), greatest(min(g.first), %(starts_at)s), least(max(g.last), %(ends_at)s),
    g.cause
FROM ses_bounces.feed_gap g
WHERE g.first < %(ends_at)s AND g.last > %(starts_at)s
GROUP BY g.queue_url, g.cause
ORDER BY g.queue_url, g.cause
