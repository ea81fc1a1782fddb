-- Forget days whose bounces have long arrived; one that comes all the same starts its day's count at zero. Locks:
-- the rows deleted.
-- Parameters:
--   days: integer  how many to keep
DELETE FROM ses_bounces.brake_day d WHERE d.day < (now() AT TIME ZONE 'UTC')::date - %(days)s::int
