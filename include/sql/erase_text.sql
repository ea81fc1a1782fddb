-- Take an address out of a column. A row that was changed since it was found is left for the next pass. Locks: the rows.
--   {table}, {column}, {type}; pattern  see erasure/spelling.py; erased  what stands in its place
--   tables, ctids  where it was found
UPDATE {table} t
SET {column} = regexp_replace(t.{column}::text, %(pattern)s, %(erased)s, 'gi')::{type}
FROM unnest(%(tables)s::oid[], %(ctids)s::tid[]) AS f(tableoid, place)
WHERE t.ctid = f.place AND t.tableoid = f.tableoid AND t.{column}::text ~* %(pattern)s
