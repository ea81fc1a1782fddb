-- Supersede live entries; notes touched_address. Yields kind, count and earliest time. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]  entries
WITH gone AS (
    UPDATE ses_bounces.address_event e SET superseded_at = clock_timestamp()
    WHERE e.event_id = ANY (%(ids)s) AND e.superseded_at IS NULL
    RETURNING e.address_id, e.kind, e.occurred_at
), touched AS (
    INSERT INTO touched_address SELECT DISTINCT g.address_id FROM gone g
)
SELECT g.kind, count(*), min(g.occurred_at) FROM gone g GROUP BY g.kind
