-- The type of each named column of the people table; whether the table is one heap, not of partitions or children: a
-- place (ctid) is one of a heap; and whether each of its values is one person's: a valid, non-partial unique index on
-- exactly that column, of a table without children, in which a value may come again. Locks: none.
-- Parameters:
--   table: text      its name, quoted
--   columns: name[]  theirs
SELECT a.attname, format_type(a.atttypid, a.atttypmod), c.relkind = 'r' AND NOT c.relhassubclass,
    EXISTS (
        SELECT FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1
            AND i.indkey[0] = a.attnum
    )
    AND (c.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid))
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE a.attrelid = to_regclass(%(table)s) AND a.attname = ANY (%(columns)s) AND a.attnum > 0 AND NOT a.attisdropped
