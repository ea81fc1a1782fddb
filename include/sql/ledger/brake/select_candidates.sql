-- What the brake needs to know about bounces that may block: one row each.
-- is_known: it is in the ledger. decision: confirmed, dismissed, waiting (of it or of a copy), null: it was never held.
-- would_block: nothing keeps it from blocking its address: no lift, delivery or protection. blocked_since: since when a
-- bounce blocks the address already, whatever its cause; null: none does.
-- Locks: none.
-- Parameters:
--   places: integer[]                         one place in each array for each bounce; this tells the rows apart
--   message_ids: bigint[]                     its message
--   addresses: text[]                         keys
--   kinds, causes: text[]                     the entry's kind, and what it would block by
--   occurred_at, mail_sent_at: timestamptz[]  its times
--   are_listed: boolean[]                     it is of SES's suppression list, not of a bounce
--   dedup_keys: bytea[]                       of each
SELECT c.place,
    EXISTS (
        SELECT FROM ses_bounces.address_event e WHERE e.dedup_key = c.dedup_key AND e.superseded_at IS NULL
    ) AS is_known,
    h.decision, h.brake_id,
    NOT coalesce(w.is_stopped, false) AS would_block, known.blocked_since
FROM unnest(
    %(places)s::int[], %(message_ids)s::bigint[], %(addresses)s::text[], %(kinds)s::text[], %(causes)s::text[],
    %(occurred_at)s::timestamptz[], %(mail_sent_at)s::timestamptz[], %(are_listed)s::boolean[], %(dedup_keys)s::bytea[]
) AS c(place, message_id, address, kind, cause, occurred_at, mail_sent_at, is_listed, dedup_key)
LEFT JOIN LATERAL (
    SELECT x.brake_id, coalesce(x.decision, b.decision, 'waiting') AS decision
    FROM ses_bounces.held_entry x
    JOIN ses_bounces.brake b USING (brake_id)
    WHERE x.dedup_key = c.dedup_key
    -- Its own first; of copies, what lets the event count.
    ORDER BY x.message_id = c.message_id DESC, coalesce(x.decision, b.decision) = 'confirmed' DESC NULLS LAST
    LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT (
            SELECT min(o.blocked_at) FROM ses_bounces.blocked_list o
            WHERE o.address_id = a.address_id AND o.unblocked_at IS NULL
                AND o.reason IN ('permanent_bounce', 'ses_suppression', 'expired_transient')
        ) AS blocked_since,
        EXISTS (
            SELECT FROM ses_bounces.address_event e
            WHERE e.address_id = a.address_id AND e.kind = 'unblocked' AND e.superseded_at IS NULL
                AND (
                    (c.cause = ANY (e.lifts) AND e.occurred_at >= c.occurred_at)
                    OR (
                        c.kind = 'ses_suppression' AND NOT c.is_listed
                        AND e.occurred_at >= coalesce(c.mail_sent_at, c.occurred_at)
                    )
                )
        )
        OR (
            c.cause = 'expired_transient'
            AND EXISTS (
                SELECT FROM ses_bounces.last_delivery d
                WHERE d.address_id = a.address_id AND d.occurred_at >= c.occurred_at
            )
        ) AS is_stopped
    FROM ses_bounces.address a
    WHERE a.address = c.address
) known ON true
CROSS JOIN LATERAL (
    SELECT known.is_stopped OR EXISTS (
        SELECT FROM ses_bounces.protected p
        WHERE p.pattern IN (c.address, '@' || split_part(c.address, '@', -1))
    ) AS is_stopped
) w
