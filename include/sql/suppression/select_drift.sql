-- Where our blocked list and SES's lists, as last read, differ: one row for each address, sorted. Locks: none.
--   theirs_only      SES lists it, and we know of no other reason than that
--   ours_only        we block it, and SES lists it in no region
--   reasons_differ   SES says complaint where we know of none, or bounce where we know of none
WITH ours AS (
    SELECT b.address, array_agg(b.reason ORDER BY b.reason) AS reasons, min(b.blocked_at) AS since
    FROM ses_bounces.blocked_list b
    WHERE b.unblocked_at IS NULL
    GROUP BY b.address
), theirs AS (
    SELECT l.address, array_agg(DISTINCT l.ses_reason) AS reasons, array_agg(DISTINCT l.region) AS regions,
        min(l.last_updated_at) AS since
    FROM ses_bounces.ses_listed l
    GROUP BY l.address
), compared AS (
    SELECT coalesce(o.address, t.address) AS address, o.reasons, o.since, t.reasons AS ses_reasons, t.regions,
        t.since AS ses_since,
        CASE
            WHEN t.address IS NULL THEN 'ours_only'
            WHEN o.address IS NULL OR o.reasons = '{ses_suppression}' THEN 'theirs_only'
            WHEN 'COMPLAINT' = ANY (t.reasons) AND NOT 'complaint' = ANY (o.reasons) THEN 'reasons_differ'
            WHEN NOT 'COMPLAINT' = ANY (t.reasons) AND NOT o.reasons && '{permanent_bounce,expired_transient}'
                THEN 'reasons_differ'
        END AS drift
    FROM ours o
    FULL JOIN theirs t ON t.address = o.address
)
SELECT c.drift, c.address, array_to_string(c.reasons, ' '), to_char(c.since, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    array_to_string(c.ses_reasons, ' '), to_char(c.ses_since, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    array_to_string(c.regions, ' ')
FROM compared c
WHERE c.drift IS NOT NULL
ORDER BY c.drift, c.address
