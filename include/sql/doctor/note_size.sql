-- Notes how much room schema ses_bounces and its whole database take today (UTC); the last one of a day is kept.
-- Locks: the row of the day; each of our tables for the moment in which it is measured (ACCESS SHARE).
-- Parameters: none.
INSERT INTO ses_bounces.size_day (day, schema_bytes, database_bytes)
SELECT (now() AT TIME ZONE 'UTC')::date, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint,
    pg_database_size(current_database())
FROM pg_class c
WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind = 'r'
ON CONFLICT (day) DO UPDATE
SET schema_bytes = excluded.schema_bytes, database_bytes = excluded.database_bytes, noted_at = excluded.noted_at
