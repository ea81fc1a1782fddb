-- The numbers of the overview, each counted to 10,001 by way of an index.
-- Each partition of message costs planning for each time that message is named: so it is named twice.
-- Locks: none.
-- Parameters:
--   zone: text    whose day is today
--   lifted: text  the result of a lift that was done
WITH pending AS (
    SELECT count(*) AS number, min(x.sent_at) AS since
    FROM (
        SELECT m.sent_at FROM ses_bounces.message m WHERE m.outcome = 'pending' ORDER BY m.sent_at LIMIT 10001
    ) x
), undecided AS MATERIALIZED (
    SELECT o.outcome, (
        SELECT count(*) FROM (
            (
                SELECT FROM ses_bounces.message m
                WHERE m.outcome = o.outcome AND m.outcome IN ('held', 'quarantined') LIMIT 10001
            )
            UNION ALL
            (SELECT FROM ses_bounces.quarantine k WHERE k.outcome = o.outcome LIMIT 10001)
        ) x
    ) AS number
    FROM unnest(ARRAY['held', 'quarantined']) o(outcome)
)
SELECT now(), ses_bounces.enforced(),
    least((SELECT min(q.left_since) FROM ses_bounces.queue q), (SELECT p.since FROM pending p)),
    (SELECT count(*) FROM ses_bounces.report_day r WHERE r.stale),
    (SELECT p.number FROM pending p),
    (SELECT u.number FROM undecided u WHERE u.outcome = 'held'),
    (SELECT u.number FROM undecided u WHERE u.outcome = 'quarantined'),
    (
        SELECT count(DISTINCT x.address_id)
        FROM unnest(ARRAY[
            'stop_request', 'complaint', 'unsubscribed', 'permanent_bounce', 'ses_suppression', 'expired_transient'
        ]) k(reason)
        CROSS JOIN LATERAL (
            SELECT b.address_id
            FROM ses_bounces.blocked_list b
            WHERE b.is_open AND b.reason = k.reason
                AND b.blocked_at >= ses_bounces.day_start((now() AT TIME ZONE %(zone)s)::date, %(zone)s)
            LIMIT 10001
        ) x
    ),
    (
        SELECT count(*) FROM (
            SELECT FROM ses_bounces.bounce_list b
            WHERE b.is_open AND b.kind = 'transient' AND b.transient_fix_deadline >= now()
                AND b.transient_fix_deadline <= now() + interval '48 hours'
            LIMIT 10001
        ) x
    ),
    (SELECT count(*) FROM (SELECT FROM ses_bounces.flag_change c WHERE c.settlement = 'touched' LIMIT 10001) x),
    (SELECT count(*) FROM (SELECT FROM ses_bounces.unblock_request r WHERE r.finished_at IS NULL LIMIT 10001) x),
    (
        SELECT count(*) FROM (
            SELECT FROM ses_bounces.unblock_request r
            WHERE r.finished_at >= now() - interval '30 days' AND r.result <> %(lifted)s
                AND NOT EXISTS (
                    SELECT FROM ses_bounces.unblock_request later
                    WHERE later.address_id = r.address_id AND later.requested_at > r.requested_at
                )
            LIMIT 10001
        ) x
    ),
    (SELECT count(*) FROM (SELECT FROM ses_bounces.flag_due f LIMIT 10001) x)
