-- Empty what entries quote about an erased address, and have their days counted once more. Locks: the rows written.
-- Parameters:
--   event_ids: bigint[]  the entries
--   dedup_keys: bytea[]  the new ones, in the same order
WITH emptied AS (
    UPDATE ses_bounces.address_event e
    SET dedup_key = n.dedup_key, diagnostic_code = NULL, tags = NULL
    FROM unnest(%(event_ids)s::bigint[], %(dedup_keys)s::bytea[]) AS n(event_id, dedup_key)
    WHERE e.event_id = n.event_id
    RETURNING e.occurred_at
)
INSERT INTO ses_bounces.figure_due (day) SELECT DISTINCT (e.occurred_at AT TIME ZONE 'UTC')::date FROM emptied e
