-- Have the days counted once more whose bounces new lifts are of. Locks: the rows inserted.
-- Parameters:
--   after, upto: bigint  lifts behind the first entry, up to the second
INSERT INTO ses_bounces.figure_due (day)
SELECT DISTINCT (b.occurred_at AT TIME ZONE 'UTC')::date
FROM ses_bounces.address_event u
JOIN ses_bounces.address_event b ON b.address_id = u.address_id
WHERE u.event_id > %(after)s AND u.event_id <= %(upto)s AND u.kind = 'unblocked'
    AND b.event_id <= %(after)s AND b.kind = 'permanent_bounce' AND b.superseded_at IS NULL
    AND b.occurred_at <= u.occurred_at
