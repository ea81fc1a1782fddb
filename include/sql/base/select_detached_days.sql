-- The days of ses_bounces.message that were detached and not dropped yet, by name of their tables. Locks: none.
SELECT c.relname
FROM pg_class c
WHERE c.relnamespace = 'ses_bounces'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^message_[0-9]{8}$'
    AND NOT c.relispartition
    -- One that is just being made is of a day to come.
    AND right(c.relname, 8)::date < (now() AT TIME ZONE 'UTC')::date - 1
