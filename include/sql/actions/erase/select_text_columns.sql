-- Every column of a schema that may hold text, with its type; generated ones and partitions aside. Locks: none.
-- Parameters:
--   schema: text  its name
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type n ON n.oid = t.typelem AND t.typcategory = 'A'
WHERE c.relnamespace = to_regnamespace(%(schema)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND (
        coalesce(n.typcategory, t.typcategory) = 'S'
        OR coalesce(n.oid, t.oid) IN ('json'::regtype, 'jsonb'::regtype, 'xml'::regtype)
    )
ORDER BY c.relname, a.attnum
