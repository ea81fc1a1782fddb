-- The domains with the most open transient problems whose deadline is near.
-- Reads report_state.
-- Locks: none.
-- Parameters:
--   as_of, until: timestamptz  between them is the deadline
--   limit: bigint              how many domains
SELECT s.domain, count(*)
FROM report_state s
WHERE s.is_transient AND s.episode_policy <> 'expire'
    AND s.episode_deadline >= %(as_of)s AND s.episode_deadline <= %(until)s
GROUP BY s.domain
ORDER BY 2 DESC, 1
LIMIT %(limit)s
