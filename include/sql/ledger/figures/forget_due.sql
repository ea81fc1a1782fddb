-- Forget that days were to be counted, as far as they were asked for before. Locks: the rows deleted.
-- Parameters:
--   days: date[]   which
--   ids: bigint[]  of each, the last figure_due_id that was seen
DELETE FROM ses_bounces.figure_due u
USING unnest(%(days)s::date[], %(ids)s::bigint[]) s(day, id)
WHERE u.day = s.day AND u.figure_due_id <= s.id
