-- Take away the figures of days that are about to be counted once more. Locks: the rows deleted.
-- Parameters:
--   days: date[]  which
DELETE FROM ses_bounces.figure_day d
WHERE d.dimension = ANY (ARRAY['all', 'provider', 'configuration_set', 'identity', 'campaign'])
    AND d.day = ANY (%(days)s::date[])
