-- Add new entries to the figures of their days; yields these days. Locks: the rows written.
-- Parameters:
--   after, upto: bigint  entries behind the first, up to the second
WITH added AS (
    INSERT INTO ses_bounces.figure_day AS d (
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
    WHERE f.event_id > %(after)s AND f.event_id <= %(upto)s
    GROUP BY f.day, GROUPING SETS ((), (f.provider), (f.configuration_set), (f.identity), (f.campaign))
    ON CONFLICT (dimension, day, name) DO UPDATE
    SET bounces = d.bounces + excluded.bounces, lifted = d.lifted + excluded.lifted,
        transients = d.transients + excluded.transients, complaints = d.complaints + excluded.complaints,
        not_sent = d.not_sent + excluded.not_sent
    RETURNING day
)
SELECT DISTINCT a.day FROM added a
