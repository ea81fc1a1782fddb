-- Without a limit nothing is counted: should one be set again, days begin with what the blocked list has. Locks: rows.
DELETE FROM ses_bounces.brake_day
