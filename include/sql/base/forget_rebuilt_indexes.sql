-- Forget the indexes that were rebuilt or dropped. Locks: the rows deleted.
DELETE FROM ses_bounces.stale_index s
WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.index_id AND c.relfilenode = s.file_id)
