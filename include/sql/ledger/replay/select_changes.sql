-- What a replay would change in the ledger: live entries whose own message was read again and that are no longer made
-- (new_kind null) or made otherwise, and entries that were not made then (event_id null). Locks: none.
-- Parameters:
--   first, last: timestamptz  the window; entries of its messages occurred a month before it at the earliest
SELECT e.event_id, e.address_id, e.kind, r.dedup_key, r.kind
FROM ses_bounces.address_event e
JOIN replayed_message m ON m.message_id = e.message_id
LEFT JOIN replayed_entry r ON r.dedup_key = e.dedup_key
WHERE e.occurred_at >= %(first)s::timestamptz - interval '40 days'
    AND e.occurred_at < %(last)s::timestamptz + interval '2 days'
    AND e.superseded_at IS NULL AND e.kind <> 'delivery'
    AND (
        r.dedup_key IS NULL
        OR (r.kind, r.occurred_at, r.reason, r.is_reply) IS DISTINCT FROM (e.kind, e.occurred_at, e.reason, e.is_reply)
    )
UNION ALL
SELECT NULL, a.address_id, NULL, r.dedup_key, r.kind
FROM replayed_entry r
LEFT JOIN ses_bounces.address a ON a.address = r.address
WHERE NOT EXISTS (
    SELECT FROM ses_bounces.address_event e WHERE e.dedup_key = r.dedup_key AND e.superseded_at IS NULL
)
-- What waits at the brake, or was dismissed there, stays out, also where a copy of it is read again.
AND NOT EXISTS (
    SELECT FROM ses_bounces.held_entry h
    JOIN ses_bounces.brake b USING (brake_id)
    WHERE h.dedup_key = r.dedup_key AND coalesce(h.decision, b.decision, 'waiting') <> 'confirmed'
)
ORDER BY 2, 1
