-- The indexes by address_key() that were made with its rules of before and not rebuilt since: schema, name, table, and
-- whether we may rebuild them. Locks: none.
SELECT DISTINCT n.nspname, c.relname, i.indrelid::regclass::text, pg_has_role(c.relowner, 'USAGE')
FROM ses_bounces.stale_index s
JOIN pg_class c ON c.oid = s.index_id AND c.relfilenode = s.file_id
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indexrelid = c.oid
ORDER BY 1, 2
