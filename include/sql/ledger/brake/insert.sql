-- Brake a domain; yields the id. Locks: the row inserted.
-- Parameters:
--   domain: text             the domain
--   day: date                the day whose limit it passed
--   max_new_blocks: integer  that limit
INSERT INTO ses_bounces.brake (domain, day, max_new_blocks, braked_at)
VALUES (%(domain)s, %(day)s, %(max_new_blocks)s, clock_timestamp())
RETURNING brake_id
