-- The addresses to which something happened in a window, or whose deadline is in it, by id. Locks: none.
-- Parameters:
--   first, last: timestamptz  from inclusive, to exclusive
SELECT e.address_id
FROM ses_bounces.address_event e
WHERE e.occurred_at >= %(first)s AND e.occurred_at < %(last)s
UNION
SELECT b.address_id
FROM ses_bounces.bounce_list b
WHERE b.is_open AND b.kind = 'transient' AND b.transient_fix_deadline >= %(first)s AND b.transient_fix_deadline < %(last)s
ORDER BY 1
