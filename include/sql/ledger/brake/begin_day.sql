-- Begin to count a day, with the blocks by a permanent bounce that the Email Blocked List has of it, lifted ones too.
-- What occurred before the newest queue was first drained doesn't count. Locks: the rows inserted.
-- Parameters:
--   day: date  the day, in UTC
INSERT INTO ses_bounces.brake_day (day, domain, new_blocks)
SELECT %(day)s, '', 0
UNION ALL
SELECT %(day)s, a.domain, count(DISTINCT b.address_id)
FROM ses_bounces.blocked_list b
JOIN ses_bounces.address a USING (address_id)
-- Both values, for the index.
WHERE b.is_open IN (true, false) AND b.reason = 'permanent_bounce'
    AND b.blocked_at >= greatest(
        %(day)s::date::timestamp AT TIME ZONE 'UTC', (SELECT max(q.first_drained_at) FROM ses_bounces.queue q)
    )
    AND b.blocked_at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY a.domain
ON CONFLICT (day, domain) DO NOTHING
