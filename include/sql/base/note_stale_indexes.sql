-- Note the indexes by address_key() as made with its rules of before: what they say of a row may be wrong until they
-- are rebuilt, which gives them another file. Locks: the rows inserted.
INSERT INTO ses_bounces.stale_index (index_id, file_id)
SELECT c.oid, c.relfilenode
FROM pg_depend d
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'i'
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_proc'::regclass
    AND d.refobjid = to_regprocedure('ses_bounces.address_key(text)')
ON CONFLICT DO NOTHING
