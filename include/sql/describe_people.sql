-- The type of each named column of the people table. Locks: none.
--   table, columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attname = ANY (%(columns)s) AND a.attnum > 0 AND NOT a.attisdropped
