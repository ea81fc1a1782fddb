-- Open transient problems by the days left until they count as permanent, the day begun as a whole one.
-- Without days: those that have no deadline ahead, or end with it.
-- Reads report_state.
-- Locks: none.
-- Parameters:
--   as_of: timestamptz  the time
SELECT CASE WHEN s.episode_deadline >= %(as_of)s AND s.episode_policy <> 'expire' THEN
    greatest(1, ceil(extract(epoch FROM s.episode_deadline - %(as_of)s) / 86400))::int
END, count(*)
FROM report_state s
WHERE s.is_transient
GROUP BY 1
