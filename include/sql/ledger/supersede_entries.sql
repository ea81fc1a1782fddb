-- Supersede live entries; notes touched_address, and the days whose figures that changes: their own, and those of
-- the bounces that a superseded lift is of. Yields kind, count and earliest time.
-- Locks: the rows updated, those inserted.
-- Parameters:
--   ids: bigint[]  entries
WITH gone AS (
    UPDATE ses_bounces.address_event e SET superseded_at = clock_timestamp()
    WHERE e.event_id = ANY (%(ids)s) AND e.superseded_at IS NULL
    RETURNING e.address_id, e.kind, e.occurred_at
), touched AS (
    INSERT INTO touched_address SELECT DISTINCT g.address_id FROM gone g
), counted AS (
    INSERT INTO ses_bounces.figure_due (day)
    SELECT (g.occurred_at AT TIME ZONE 'UTC')::date FROM gone g WHERE g.kind <> 'unblocked'
    UNION
    SELECT (b.occurred_at AT TIME ZONE 'UTC')::date
    FROM gone g
    JOIN ses_bounces.address_event b ON b.address_id = g.address_id
    WHERE g.kind = 'unblocked' AND b.kind = 'permanent_bounce' AND b.superseded_at IS NULL
        AND b.occurred_at <= g.occurred_at
)
SELECT g.kind, count(*), min(g.occurred_at) FROM gone g GROUP BY g.kind
