-- Note what is held. Locks: the rows inserted.
-- Parameters:
--   message_ids, brake_ids: bigint[]  what is held, one place in each array for each entry: its message and its brake
--   dedup_keys: bytea[]               of each
--   occurred_at: timestamptz[]        of each
--   diagnostics: text[]               what the server said
--   listings: jsonb[]                 of an entry of SES's suppression list, what it says
INSERT INTO ses_bounces.held_entry (message_id, dedup_key, brake_id, occurred_at, diagnostic, listing)
SELECT h.message_id, h.dedup_key, h.brake_id, h.occurred_at, h.diagnostic, h.listing
FROM unnest(
    %(message_ids)s::bigint[], %(dedup_keys)s::bytea[], %(brake_ids)s::bigint[], %(occurred_at)s::timestamptz[],
    %(diagnostics)s::text[], %(listings)s::jsonb[]
) AS h(message_id, dedup_key, brake_id, occurred_at, diagnostic, listing)
ON CONFLICT (message_id, dedup_key) DO NOTHING
