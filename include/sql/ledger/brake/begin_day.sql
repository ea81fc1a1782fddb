-- Begin to count a day, with the addresses that bounces block since then by the Email Blocked List, lifted blocks too:
-- each counts on the day on which it was first blocked. What occurred before the newest queue was first drained doesn't
-- count, nor does what only a reply blocks. Locks: the rows inserted.
-- Parameters:
--   day: date  the day, in UTC
WITH blocked AS (
    SELECT b.address_id
    FROM ses_bounces.blocked_list b
    -- All values, for the index.
    WHERE b.is_open IN (true, false) AND b.reason IN ('permanent_bounce', 'ses_suppression', 'expired_transient')
        AND b.blocked_at >= greatest(
            %(day)s::date::timestamp AT TIME ZONE 'UTC', (SELECT max(q.first_drained_at) FROM ses_bounces.queue q)
        )
        AND b.blocked_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
        AND NOT EXISTS (
            SELECT FROM ses_bounces.address_event e
            WHERE e.event_id = b.event_id AND e.is_reply AND b.reason = 'expired_transient'
        )
    GROUP BY b.address_id
)
INSERT INTO ses_bounces.brake_day (day, domain, new_blocks)
SELECT %(day)s, '', 0
UNION ALL
SELECT %(day)s, a.domain, count(*)
FROM blocked x
JOIN ses_bounces.address a USING (address_id)
WHERE NOT EXISTS (
    SELECT FROM ses_bounces.blocked_list o
    WHERE o.address_id = x.address_id AND o.unblocked_at IS NULL
        AND o.reason IN ('permanent_bounce', 'ses_suppression', 'expired_transient')
        AND o.blocked_at < %(day)s::date::timestamp AT TIME ZONE 'UTC'
)
GROUP BY a.domain
ON CONFLICT (day, domain) DO NOTHING
