-- The type of each named column of the people table, and whether the table is one heap, not of partitions or children: a
-- place (ctid) is one of a heap. Locks: none.
--   table, columns
SELECT a.attname, format_type(a.atttypid, a.atttypmod), c.relkind = 'r' AND NOT c.relhassubclass
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attrelid = to_regclass(%(table)s) AND a.attname = ANY (%(columns)s) AND a.attnum > 0 AND NOT a.attisdropped
