-- What the role may do with the people table that docs/sql/people.sql doesn't give: its name; whether it is a
-- superuser; whether it owns the table, or belongs to its owner; which rows it may add or remove; how many columns
-- beside ours it may read, and how many beside the flag it may write. Locks: none.
-- Parameters:
--   table: text      its name, quoted
--   columns: name[]  ours: id, email, flag
--   flag: name       the flag
SELECT current_user, r.rolsuper, pg_has_role(c.relowner, 'USAGE'),
    ARRAY(
        SELECT p.privilege FROM unnest(ARRAY['INSERT', 'DELETE', 'TRUNCATE']) p(privilege)
        WHERE has_table_privilege(c.oid, p.privilege)
    ),
    (
        SELECT count(*) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (%(columns)s)
            AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    ),
    (
        SELECT count(*) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> %(flag)s
            AND has_column_privilege(c.oid, a.attnum, 'UPDATE')
    )
FROM pg_class c
JOIN pg_roles r ON r.rolname = current_user
WHERE c.oid = to_regclass(%(table)s)
