-- Name, in superseded entries, the live one that took their place, where one did. Locks: the rows updated.
-- Parameters:
--   ids: bigint[]  the superseded entries
UPDATE ses_bounces.address_event e
SET superseded_by = n.event_id
FROM ses_bounces.address_event n
WHERE e.event_id = ANY (%(ids)s) AND n.dedup_key = e.dedup_key AND n.superseded_at IS NULL
