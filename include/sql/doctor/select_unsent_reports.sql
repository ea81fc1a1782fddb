-- How many finished days of the last week have a report that is six hours old and was not sent on a channel. One that
-- nothing was sent on is asked for the newest only: it begins there. Locks: none.
-- Parameters:
--   channel: text  email or chat
WITH finished AS (
    SELECT r.day, r.made_at
    FROM ses_bounces.report_day r
    WHERE r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone)
        AND r.day >= (now() AT TIME ZONE r.timezone)::date - 7
), sent AS (
    SELECT n.day FROM ses_bounces.report_notice n WHERE n.channel = %(channel)s AND n.sent_at IS NOT NULL
)
SELECT count(*)
FROM finished f
WHERE f.made_at < now() - interval '6 hours' AND NOT EXISTS (SELECT FROM sent s WHERE s.day = f.day)
    AND (EXISTS (SELECT FROM sent) OR f.day = (SELECT max(m.day) FROM finished m))
