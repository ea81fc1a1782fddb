-- Count days from the ledger, whose figures were deleted before. Locks: the rows inserted.
-- Parameters:
--   days: date[]   which
--   first: date    the first of them
--   last: date     the last of them
--   upto: bigint   entries up to this one
INSERT INTO ses_bounces.figure_day (
    dimension, day, name, bounces, lifted, transients, complaints, not_sent
)
SELECT
    CASE
        WHEN grouping(f.provider) = 0 THEN 'provider'
        WHEN grouping(f.configuration_set) = 0 THEN 'configuration_set'
        WHEN grouping(f.identity) = 0 THEN 'identity'
        WHEN grouping(f.campaign) = 0 THEN 'campaign'
        ELSE 'all'
    END,
    f.day, coalesce(f.provider, f.configuration_set, f.identity, f.campaign, ''),
    count(*) FILTER (WHERE f.kind = 'permanent_bounce'),
    count(*) FILTER (WHERE f.is_lifted),
    count(*) FILTER (WHERE f.kind = 'transient_bounce'),
    count(*) FILTER (WHERE f.kind = 'complaint'),
    count(*) FILTER (WHERE f.kind IN ('ses_suppression', 'unsubscribed'))
FROM ses_bounces.figure_entry f
-- The first two find the days by the index of times.
WHERE f.occurred_at >= %(first)s::timestamp AT TIME ZONE 'UTC'
    AND f.occurred_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    AND f.day = ANY (%(days)s::date[]) AND f.event_id <= %(upto)s
GROUP BY f.day, GROUPING SETS ((), (f.provider), (f.configuration_set), (f.identity), (f.campaign))
