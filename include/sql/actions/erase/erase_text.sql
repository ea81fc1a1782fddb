-- Replace what a column holds by the same without an address. A row that was changed since it was found is left for the
-- next pass. Locks: the rows.
--   {table}, {column}, {type}
--   tables, ctids  oid[], tid[]: where it was found; before, after  text[]: what it held there, and what it is to hold
UPDATE {table} t
SET {column} = f.after::{type}
FROM unnest(%(tables)s::oid[], %(ctids)s::tid[], %(before)s::text[], %(after)s::text[])
    AS f(tableoid, place, before, after)
WHERE t.ctid = f.place AND t.tableoid = f.tableoid AND t.{column}::text = f.before
