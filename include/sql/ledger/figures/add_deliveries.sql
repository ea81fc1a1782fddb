-- Add what was delivered since to the figures of its days. Locks: the rows of delivery_count that go, those written.
WITH gone AS (
    DELETE FROM ses_bounces.delivery_count c
    RETURNING c.day, c.domain, c.identity, c.configuration_set, c.campaign, c.deliveries
), named AS (
    SELECT g.*, coalesce(p.name, left(g.domain, 100)) AS provider
    FROM gone g
    LEFT JOIN ses_bounces.provider p ON p.domain = g.domain
)
INSERT INTO ses_bounces.delivery_day AS d (dimension, day, name, deliveries)
SELECT
    CASE
        WHEN grouping(n.provider) = 0 THEN 'provider'
        WHEN grouping(n.configuration_set) = 0 THEN 'configuration_set'
        WHEN grouping(n.identity) = 0 THEN 'identity'
        WHEN grouping(n.campaign) = 0 THEN 'campaign'
        ELSE 'all'
    END,
    n.day, coalesce(n.provider, n.configuration_set, n.identity, n.campaign, ''), sum(n.deliveries)
FROM named n
GROUP BY n.day, GROUPING SETS ((), (n.provider), (n.configuration_set), (n.identity), (n.campaign))
ON CONFLICT (dimension, day, name) DO UPDATE SET deliveries = d.deliveries + excluded.deliveries
