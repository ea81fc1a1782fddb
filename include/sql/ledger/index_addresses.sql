-- Put the next limit addresses into the search index. Yields how many. Runs alone.
-- Locks: the row of ses_bounces.setting first, and the rows inserted.
-- Parameters:
--   limit: bigint  the most addresses
--   last: bigint   the last address that all writers are done with
WITH held AS (
    SELECT t.searchable_to FROM ses_bounces.setting t FOR UPDATE
), next AS (
    SELECT a.address_id, a.address
    FROM ses_bounces.address a
    WHERE a.address_id > (SELECT h.searchable_to FROM held h) AND a.address_id <= %(last)s
    ORDER BY a.address_id
    LIMIT %(limit)s
), indexed AS (
    INSERT INTO ses_bounces.address_search (address_id, address, grams)
    SELECT n.address_id, n.address, ses_bounces.address_grams(n.address)
    FROM next n
    -- Those that begin alike lie side by side, and are read together.
    ORDER BY n.address
    RETURNING address_id
), moved AS (
    UPDATE ses_bounces.setting t
    SET searchable_to = (SELECT max(n.address_id) FROM next n)
    WHERE EXISTS (SELECT FROM next n)
)
SELECT count(*) FROM indexed
