-- Whether the people table has an index by the key of the address, for all its rows and in the order of the database.
-- Locks: none.
-- Parameters:
--   table: text  its name, quoted
--   email: text  the column's name
SELECT EXISTS (
    SELECT FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam
    WHERE i.indrelid = to_regclass(%(table)s) AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
        AND i.indcollation[0] = 'pg_catalog."default"'::regcollation
        AND replace(pg_get_indexdef(i.indexrelid, 1, true), 'ses_bounces.', '')
            IN (format('address_key(%%I)', %(email)s::text), format('address_key(%%I::text)', %(email)s::text))
)
