-- Finish a reading; what a full one did not see is no longer on the list and leaves the copy. Yields how many left.
-- Locks: that row, the rows deleted.
-- Parameters:
--   pass_id: bigint  the reading
WITH finished AS (
    UPDATE ses_bounces.suppression_pass p SET finished_at = clock_timestamp(), next_token = NULL
    WHERE p.pass_id = %(pass_id)s AND p.finished_at IS NULL
    RETURNING p.pass_id, p.account, p.region, p.since IS NULL AND p.until IS NULL AS is_full
), gone AS (
    DELETE FROM ses_bounces.ses_listed l
    USING finished f
    WHERE f.is_full AND l.account = f.account AND l.region = f.region AND l.pass_id < f.pass_id
    RETURNING l.listed_address
)
SELECT count(*) FROM gone
