-- Where a column spells an address. Locks: none.
--   {table}, {column}; pattern  see erasure/spelling.py
SELECT t.tableoid, t.ctid::text FROM {table} t WHERE t.{column}::text ~* %(pattern)s
