-- The one row of ses_bounces.setting, and the site that the schema belongs to from then on. Locks: that row.
-- Parameters:
--   site: text  its name
INSERT INTO ses_bounces.setting (site) VALUES (%(site)s)
ON CONFLICT (only_row) DO UPDATE SET site = excluded.site WHERE setting.site IS NULL
