-- New blocks that count, by day and domain; a day without a row of the empty domain was not begun. Locks: none.
-- Parameters:
--   days: date[]     the days
--   domains: text[]  the domains
SELECT d.day, d.domain, d.new_blocks
FROM ses_bounces.brake_day d
WHERE d.day = ANY (%(days)s) AND (d.domain = ANY (%(domains)s) OR d.domain = '')
