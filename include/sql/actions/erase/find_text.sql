-- The rows of a column that may spell an address: they hold a piece of one, or something beside ASCII, also as an
-- escape of JSON or of a URL.
-- {table}, {column} are put in by name.
-- Locks: none.
-- Parameters:
--   bits: text[]  pieces of addresses, lower case
SELECT t.tableoid, t.ctid::text, t.{column}, t.{column}::text
FROM {table} t
WHERE EXISTS (SELECT FROM unnest(%(bits)s::text[]) AS b(bit) WHERE position(b.bit in lower(t.{column}::text)) > 0)
    OR t.{column}::text ~* '[^\u0001-\u007f]|\\u[0-9a-f]|%%[c-f][0-9a-f]'
