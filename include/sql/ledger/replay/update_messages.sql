-- Messages that are understood otherwise by today's rules get their new outcome. Yields before, outcome and count.
-- Locks: the rows updated.
WITH changed AS (
    UPDATE ses_bounces.message m
    SET outcome = r.outcome, reason = r.reason
    FROM replayed_message r
    WHERE m.message_id = r.message_id AND m.received_at = r.received_at AND m.outcome = r.before
        AND (m.outcome, m.reason) IS DISTINCT FROM (r.outcome, r.reason)
    RETURNING r.before, r.outcome
)
SELECT c.before, c.outcome, count(*) FROM changed c GROUP BY 1, 2
