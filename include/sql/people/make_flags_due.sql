-- Note in flag_due the blocked addresses of people whose flag is not off, in one range of ids: new people, re-imports
-- and changed addresses. Yields the last id of the range, NULL at the end, and how many addresses were noted.
-- Locks: the rows inserted.
--   after, limit  the id to begin behind (NULL: at the beginning), and how many people.
WITH person AS (
    SELECT p.{id} AS id, p.{email}::text AS email, p.{flag} AS flag
    FROM {table} p
    WHERE %(after)s::{id_type} IS NULL OR p.{id} > %(after)s::{id_type}
    ORDER BY p.{id}
    LIMIT %(limit)s
), noted AS (
    INSERT INTO ses_bounces.flag_due (address_id)
    SELECT DISTINCT b.address_id
    FROM person p
    JOIN ses_bounces.blocked_list b ON b.address = ses_bounces.address_key(p.email) AND b.unblocked_at IS NULL
    WHERE p.flag IS DISTINCT FROM false
    ON CONFLICT (address_id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT p.id::text FROM person p ORDER BY p.id DESC LIMIT 1), (SELECT count(*) FROM noted)
