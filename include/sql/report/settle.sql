-- Decide whether a report just stored is stale: entries of its day came into the ledger after it was read. Runs
-- behind lock_state, so that no writer is halfway, and does nothing if the day was stored again meanwhile.
-- Locks: its row.
-- Parameters:
--   day: date             the report's
--   made_at: timestamptz  when it was made
--   seen: bigint          the last entry that it saw
--   ends_at: timestamptz  the day's end
UPDATE ses_bounces.report_day r
SET stale = EXISTS (
    SELECT FROM ses_bounces.address_event e WHERE e.event_id > %(seen)s AND e.occurred_at < %(ends_at)s
)
WHERE r.day = %(day)s AND r.made_at = %(made_at)s
