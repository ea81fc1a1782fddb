-- Open transient problems whose deadline is near, the nearest first.
-- Yields the number of all in each row. Reads report_state. Locks: none.
-- Parameters:
--   as_of, until: timestamptz  between them is the deadline
--   limit: bigint              the most rows
SELECT count(*) OVER (), s.address, s.episode_deadline, s.episode_bounces, s.is_protected, (
    SELECT coalesce(e.diagnostic_code, e.reason)
    FROM ses_bounces.address_event e
    WHERE e.address_id = s.address_id AND e.kind = 'transient_bounce' AND e.superseded_at IS NULL
        AND e.occurred_at = s.episode_last_at
    ORDER BY e.dedup_key
    LIMIT 1
)
FROM report_state s
WHERE s.is_transient AND s.episode_policy <> 'expire'
    AND s.episode_deadline >= %(as_of)s AND s.episode_deadline <= %(until)s
ORDER BY s.episode_deadline, s.address
LIMIT %(limit)s
