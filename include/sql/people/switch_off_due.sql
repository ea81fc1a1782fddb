-- Settle a chunk of flag_due as far as its addresses are blocked: switch the flag off for the people there, note
-- each change, and take the addresses off the list, unless they changed again meanwhile. Where there are most_people
-- or more, that many are switched off and no address is taken off: repeat. Nor is one taken off where a trigger of the
-- people table keeps a flag on. Fails at once (55P03) and does nothing where another session has locked one of the
-- rows. Yields the last address_id, 0 where nothing is due; the numbers of addresses, of people found, and of those
-- switched off; of the free addresses, which are left, address_id and due_since in arrays. Needs the index that
-- has_key_index looks for. Locks: the people's rows, and those of flag_due, for the length of this statement.
-- Parameters:
--   after: bigint        the address_id to begin behind
--   limit: bigint        the most addresses
--   most_people: bigint  the most people
--   people_table: text   the table's name
WITH due AS MATERIALIZED (
    SELECT f.address_id, f.due_since, (
            -- NULL where it is not blocked; in the collation of the index.
            SELECT b.address COLLATE "default" FROM ses_bounces.blocked_list b
            WHERE b.address_id = f.address_id AND b.unblocked_at IS NULL LIMIT 1
        ) AS address
    FROM ses_bounces.flag_due f
    WHERE f.address_id > %(after)s
    ORDER BY f.address_id
    LIMIT %(limit)s
), found AS MATERIALIZED (
    SELECT d.address_id, p.place, p.person_id, p.flag AS old_value
    FROM due d
    -- A loop that can't be turned into a join, for which the planner would compute the keys of all people.
    CROSS JOIN LATERAL (
        SELECT r.{place} AS place, r.{id} AS person_id, r.{flag} AS flag
        FROM {table} r
        WHERE ses_bounces.address_key(r.{email}::text) = d.address AND r.{flag} IS DISTINCT FROM false
        OFFSET 0
        FOR NO KEY UPDATE NOWAIT
    ) p
    WHERE d.address IS NOT NULL
    LIMIT %(most_people)s
), changed AS (
    UPDATE {table} p
    SET {flag} = false
    -- Where they were found, or else by id. An array, for which the planner looks up each: of a join it may read the
    -- whole table.
    WHERE p.{place} = ANY (ARRAY(SELECT f.place FROM found f))
    RETURNING p.{id} AS person_id, p.{flag} AS flag, p.xmin::text::bigint AS row_xmin
), noted AS (
    INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, old_value, new_value, row_xmin)
    SELECT f.address_id, %(people_table)s, c.person_id::text, f.old_value, false, c.row_xmin
    FROM changed c
    JOIN found f ON f.person_id = c.person_id
    WHERE NOT c.flag
    RETURNING 1
), total AS (
    SELECT (SELECT count(*) FROM found) AS found, (SELECT count(*) FROM noted) AS off
), settled AS (
    DELETE FROM ses_bounces.flag_due f
    USING due d
    WHERE f.address_id = ANY (ARRAY(SELECT b.address_id FROM due b WHERE b.address IS NOT NULL))
        AND f.address_id = d.address_id AND f.due_since = d.due_since
        AND (SELECT t.found < %(most_people)s AND t.off = t.found FROM total t)
)
SELECT coalesce(max(d.address_id), 0), count(*), (SELECT t.found FROM total t), (SELECT t.off FROM total t),
    array_agg(d.address_id) FILTER (WHERE d.address IS NULL), array_agg(d.due_since) FILTER (WHERE d.address IS NULL)
FROM due d
