-- The days whose report is due on a channel: finished, of the last week, not sent yet. A channel that nothing
-- was sent on begins with the newest. Locks: none.
-- Parameters:
--   channel: text  email or chat
WITH finished AS (
    SELECT r.day
    FROM ses_bounces.report_day r
    WHERE r.made_at >= ses_bounces.day_start(r.day + 1, r.timezone)
        AND r.day >= (now() AT TIME ZONE r.timezone)::date - 7
), sent AS (
    SELECT n.day FROM ses_bounces.report_notice n WHERE n.channel = %(channel)s AND n.sent_at IS NOT NULL
)
SELECT f.day
FROM finished f
WHERE NOT EXISTS (SELECT FROM sent s WHERE s.day = f.day)
    AND (EXISTS (SELECT FROM sent) OR f.day = (SELECT max(m.day) FROM finished m))
ORDER BY f.day
