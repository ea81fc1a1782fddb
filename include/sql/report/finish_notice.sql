-- End a claim: the report was sent (its revision is noted), or it was not (revision is null). Locks: the row.
-- Parameters:
--   day: date          the report's
--   channel: text      email or chat
--   revision: integer  the report's; NULL: it was not sent
UPDATE ses_bounces.report_notice n
SET claimed_at = NULL,
    sent_at = CASE WHEN %(revision)s::int IS NULL THEN n.sent_at ELSE now() END,
    revision = coalesce(%(revision)s::int, n.revision)
WHERE n.day = %(day)s AND n.channel = %(channel)s
