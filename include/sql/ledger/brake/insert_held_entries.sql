-- Note what is held. Locks: the rows inserted.
--   message_ids, dedup_keys, brake_ids, occurred_at, diagnostics, listings  arrays
INSERT INTO ses_bounces.held_entry (message_id, dedup_key, brake_id, occurred_at, diagnostic, listing)
SELECT h.message_id, h.dedup_key, h.brake_id, h.occurred_at, h.diagnostic, h.listing
FROM unnest(
    %(message_ids)s::bigint[], %(dedup_keys)s::bytea[], %(brake_ids)s::bigint[], %(occurred_at)s::timestamptz[],
    %(diagnostics)s::text[], %(listings)s::jsonb[]
) AS h(message_id, dedup_key, brake_id, occurred_at, diagnostic, listing)
ON CONFLICT (message_id, dedup_key) DO NOTHING
