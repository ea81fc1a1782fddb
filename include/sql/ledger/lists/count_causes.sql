-- How many addresses each cause blocks now, counted to 10,001 by way of an index. Locks: none.
-- Parameters:
--   causes: text[]  the causes
SELECT k.reason, (
    SELECT count(*)
    FROM (SELECT FROM ses_bounces.blocked_list b WHERE b.is_open AND b.reason = k.reason LIMIT 10001) x
)
FROM unnest(%(causes)s::text[]) k(reason)
