-- The attached day partitions of ses_bounces.message, by name. Locks: none.
SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'ses_bounces.message'::regclass
