-- Add new entries to the figures of their days, as if no person had lifted any; see note_lifted. Those that say the
-- same are counted before they are named. Locks: the rows written.
-- Parameters:
--   after, upto: bigint  entries behind the first, up to the second
WITH same AS (
    SELECT r.day, r.domain, r.configuration_set, r.source, r.campaign,
        count(*) FILTER (WHERE r.kind = 'permanent_bounce') AS bounces,
        count(*) FILTER (WHERE r.kind = 'transient_bounce') AS transients,
        count(*) FILTER (WHERE r.kind = 'complaint') AS complaints,
        count(*) FILTER (WHERE r.kind IN ('ses_suppression', 'unsubscribed')) AS not_sent
    FROM ses_bounces.figure_report r
    WHERE r.event_id > %(after)s AND r.event_id <= %(upto)s
    GROUP BY r.day, r.domain, r.configuration_set, r.source, r.campaign
), named AS MATERIALIZED (
    SELECT s.day, coalesce(p.name, left(s.domain, 100)) AS provider,
        ses_bounces.figure_name(s.configuration_set) AS configuration_set,
        ses_bounces.figure_identity(s.source) AS identity, ses_bounces.figure_name(s.campaign) AS campaign,
        s.bounces, s.transients, s.complaints, s.not_sent
    FROM same s
    LEFT JOIN ses_bounces.provider p ON p.domain = s.domain
)
INSERT INTO ses_bounces.figure_day AS d (dimension, day, name, bounces, transients, complaints, not_sent)
SELECT
    CASE
        WHEN grouping(n.provider) = 0 THEN 'provider'
        WHEN grouping(n.configuration_set) = 0 THEN 'configuration_set'
        WHEN grouping(n.identity) = 0 THEN 'identity'
        WHEN grouping(n.campaign) = 0 THEN 'campaign'
        ELSE 'all'
    END,
    n.day, coalesce(n.provider, n.configuration_set, n.identity, n.campaign, ''),
    sum(n.bounces), sum(n.transients), sum(n.complaints), sum(n.not_sent)
FROM named n
GROUP BY n.day, GROUPING SETS ((), (n.provider), (n.configuration_set), (n.identity), (n.campaign))
ON CONFLICT (dimension, day, name) DO UPDATE
SET bounces = d.bounces + excluded.bounces, transients = d.transients + excluded.transients,
    complaints = d.complaints + excluded.complaints, not_sent = d.not_sent + excluded.not_sent
