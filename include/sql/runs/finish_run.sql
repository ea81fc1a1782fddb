-- Note what a task did. Locks: its row.
UPDATE ses_bounces.run
SET finished_at = clock_timestamp(), counts = %(counts)s::jsonb
WHERE run_row_id = %(run_row_id)s
