-- How many open transients would be due, had they been given this many days; counted to 10,001. Locks: none.
-- Parameters:
--   days: integer  the grace period to try
SELECT count(*)
FROM (
    SELECT FROM ses_bounces.bounce_list b
    WHERE b.is_open AND b.kind = 'transient' AND b.transient_fix_deadline IS NOT NULL
        AND b.first_bounced_at <= now() - make_interval(days => %(days)s)
    LIMIT 10001
) x
