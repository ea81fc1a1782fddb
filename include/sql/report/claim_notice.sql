-- Claim the sending of a day's report on a channel; no row: it was sent, or another run sends it. A claim older
-- than ten minutes is of a sender that was killed. Locks: the row.
-- Parameters:
--   day: date       the report's
--   channel: text   email or chat
--   again: boolean  also where it was sent
INSERT INTO ses_bounces.report_notice AS n (day, channel, claimed_at)
VALUES (%(day)s, %(channel)s, now())
ON CONFLICT (day, channel) DO UPDATE SET claimed_at = now()
WHERE (n.sent_at IS NULL OR %(again)s) AND (n.claimed_at IS NULL OR n.claimed_at < now() - interval '10 minutes')
RETURNING n.day
