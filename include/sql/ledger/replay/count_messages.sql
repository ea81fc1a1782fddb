-- How many messages are understood otherwise by today's rules, by outcome before and now. Locks: none.
SELECT r.before, r.outcome, count(*) FROM replayed_message r WHERE r.before <> r.outcome GROUP BY 1, 2 ORDER BY 1, 2
