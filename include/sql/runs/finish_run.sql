-- Note what a task did. Locks: its row.
-- Parameters:
--   run_row_id: bigint  the row that insert_run gave
--   counts: jsonb       what the task returns, by name
UPDATE ses_bounces.run
SET finished_at = clock_timestamp(), counts = %(counts)s::jsonb
WHERE run_row_id = %(run_row_id)s
