-- Mirror the setting enforce. Locks: the one row of ses_bounces.setting.
-- Parameters:
--   enforce: boolean  false: observe only
INSERT INTO ses_bounces.setting (enforce) VALUES (%(enforce)s)
ON CONFLICT (only_row) DO UPDATE SET enforce = excluded.enforce
