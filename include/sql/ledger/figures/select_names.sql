-- The names that bounces and complaints of the last days have in one dimension, the most first. Locks: none.
-- Parameters:
--   dimension: text  which
--   days: bigint     how many, up to today in UTC
--   limit: bigint    the most names
SELECT f.name
FROM ses_bounces.figure_day f
WHERE f.dimension = %(dimension)s AND f.day > (now() AT TIME ZONE 'UTC')::date - %(days)s::integer
    AND f.name NOT IN ('', '(other)')
GROUP BY f.name
ORDER BY sum(f.bounces + f.transients + f.complaints) DESC, f.name
LIMIT %(limit)s
