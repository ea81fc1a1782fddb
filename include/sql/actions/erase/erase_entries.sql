-- Empty what entries quote about an erased address. Locks: the rows written.
-- Parameters:
--   event_ids: bigint[]  the entries
--   dedup_keys: bytea[]  the new ones, in the same order
UPDATE ses_bounces.address_event e
SET dedup_key = n.dedup_key, diagnostic_code = NULL, tags = NULL
FROM unnest(%(event_ids)s::bigint[], %(dedup_keys)s::bytea[]) AS n(event_id, dedup_key)
WHERE e.event_id = n.event_id
