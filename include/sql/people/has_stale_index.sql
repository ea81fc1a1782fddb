-- Whether an index by address_key() was made with its rules of before and not rebuilt since. Locks: none.
SELECT EXISTS (
    SELECT FROM ses_bounces.stale_index s
    JOIN pg_class c ON c.oid = s.index_id AND c.relfilenode = s.file_id
)
