-- Replace what a column holds by the same without an address. A row that was changed since it was found is left for the
-- next pass.
-- {table}, {column}, {type} are put in by name.
-- Locks: the rows.
-- Parameters:
--   tables: oid[]   where it was found: the tables
--   ctids: tid[]    and the places of the rows in them
--   before: text[]  what the column held there
--   after: text[]   what it is to hold
UPDATE {table} t
SET {column} = f.after::{type}
FROM unnest(%(tables)s::oid[], %(ctids)s::tid[], %(before)s::text[], %(after)s::text[])
    AS f(tableoid, place, before, after)
WHERE t.ctid = f.place AND t.tableoid = f.tableoid AND t.{column}::text = f.before
