-- Note in flag_due the blocked addresses of people whose flag is not off, in one range of ids: new people, re-imports
-- and changed addresses. Yields the last id of the range, NULL at the end, how many addresses were noted, and of the
-- people whose flag is not off and whose email is something but no address, the number, and the first ids in an array.
-- Locks: the rows inserted.
-- Parameters:
--   after: {id_type}  the id to begin behind; NULL: at the beginning
--   limit: bigint     the most people
--   ids: bigint       the most ids of people whose email is no address
WITH person AS (
    SELECT r.id, r.email, CASE WHEN r.flag IS DISTINCT FROM false THEN ses_bounces.address_key(r.email) END AS key,
        r.flag IS DISTINCT FROM false AS is_on
    FROM (
        SELECT p.{id} AS id, p.{email}::text AS email, p.{flag} AS flag
        FROM {table} p
        WHERE %(after)s::{id_type} IS NULL OR p.{id} > %(after)s::{id_type}
        ORDER BY p.{id}
        LIMIT %(limit)s
    ) r
), unreadable AS (
    SELECT p.id FROM person p WHERE p.is_on AND p.key IS NULL AND p.email ~ '\S'
), noted AS (
    INSERT INTO ses_bounces.flag_due (address_id)
    SELECT DISTINCT b.address_id
    FROM person p
    JOIN ses_bounces.blocked_list b ON b.address = p.key AND b.unblocked_at IS NULL
    ON CONFLICT (address_id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT p.id::text FROM person p ORDER BY p.id DESC LIMIT 1), (SELECT count(*) FROM noted),
    (SELECT count(*) FROM unreadable),
    ARRAY(SELECT u.id::text FROM unreadable u ORDER BY u.id LIMIT %(ids)s)
