-- Note how far the ledger is counted. Locks: the row of figure_position.
-- Parameters:
--   upto: bigint  the last entry that was counted
UPDATE ses_bounces.figure_position SET event_id = %(upto)s, counted_at = clock_timestamp()
