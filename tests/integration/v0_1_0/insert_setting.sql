-- The one row of ses_bounces.setting. Locks: that row.
INSERT INTO ses_bounces.setting DEFAULT VALUES ON CONFLICT (only_row) DO NOTHING
