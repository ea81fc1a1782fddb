"""A ledger of any size, with the lists that follow from it, set-based."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.server import without_indexes

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Entries of one statement: its sort and its triggers need no more room than this.
ENTRIES_PER_STATEMENT = 5_000_000

_ADDRESSES = """
INSERT INTO ses_bounces.address (address, address_as_reported, created_at)
SELECT x.a, x.a, now() - interval '90 days'
FROM (
    SELECT 'known' || n || '@domain' || n %% 500 || '.example.com' AS a
    FROM generate_series(1, %(addresses)s::bigint) n
) x
"""
# The first entry of an address decides: a permanent bounce of the last 90 days for those that are blocked, else a
# transient one of the last 10 days. The others are of long ago. From the newest on they are in turn a delivery, and the
# transient one before it, whose episode it ended. The newest is of round 9, which is a delivery.
_FIRST = """
INSERT INTO ses_bounces.address_event (
    address_id, kind, occurred_at, recorded_at, dedup_key, actor, deadline, policy, mail_sent_at, feedback_id,
    ses_message_id, bounce_type, bounce_sub_type, status, diagnostic_code, source, rules_version, message_id
)
SELECT n, CASE WHEN y.is_blocked THEN 'permanent_bounce' ELSE 'transient_bounce' END, y.at,
    y.at + interval '20 minutes', decode(md5('first' || n), 'hex'), 'ses',
    CASE WHEN NOT y.is_blocked THEN y.at + interval '14 days' END, CASE WHEN NOT y.is_blocked THEN 'age' END,
    y.at - interval '5 seconds', '0102019a-feedback-' || n, '0102019a-mail-' || n,
    CASE WHEN y.is_blocked THEN 'Permanent' ELSE 'Transient' END, 'General', '5.1.1',
    'smtp; 550 5.1.1 user unknown', 'news@example.com', 1, n
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
CROSS JOIN LATERAL (
    SELECT z.is_blocked, now() - interval '1 day' - make_interval(
        secs => (hashint8(n)::bigint + 2147483648) %% 1000003 * CASE WHEN z.is_blocked THEN 7.7 ELSE 0.8 END
    ) AS at
    FROM (SELECT (hashint8(n + 77)::bigint + 2147483648) %% 1000 < %(blocked)s::float8 * 1000 AS is_blocked) z
) y
"""
_LATER = """
INSERT INTO ses_bounces.address_event (
    address_id, kind, occurred_at, recorded_at, dedup_key, actor, deadline, policy, mail_sent_at, feedback_id,
    ses_message_id, bounce_type, bounce_sub_type, status, diagnostic_code, source, rules_version, message_id
)
SELECT 1 + n %% %(addresses)s::bigint, CASE WHEN y.is_delivery THEN 'delivery' ELSE 'transient_bounce' END, y.at,
    y.at + interval '20 minutes', decode(md5('later' || n), 'hex'), 'ses',
    CASE WHEN NOT y.is_delivery THEN y.at + interval '14 days' END, CASE WHEN NOT y.is_delivery THEN 'age' END,
    y.at - interval '5 seconds', '0102019a-feedback-' || n, '0102019a-mail-' || n,
    CASE WHEN NOT y.is_delivery THEN 'Transient' END, CASE WHEN NOT y.is_delivery THEN 'MailboxFull' END,
    CASE WHEN NOT y.is_delivery THEN '4.2.2' END, CASE WHEN NOT y.is_delivery THEN 'smtp; 452 4.2.2 mailbox full' END,
    'news@example.com', 1, n
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
CROSS JOIN LATERAL (
    SELECT z.round %% 2 = 1 AS is_delivery, now() - make_interval(days => 200 - 2 * z.round::int) AS at
    FROM (SELECT n / %(addresses)s::bigint AS round) z
) y
"""
_BOUNCES = """
INSERT INTO ses_bounces.bounce_list (
    address_id, address, kind, details, bounce_sub_type, first_bounced_at, last_bounced_at, bounce_count,
    transient_fix_deadline, due_at, opened_at
)
SELECT e.address_id, a.address, CASE e.kind WHEN 'transient_bounce' THEN 'transient' ELSE 'permanent' END,
    e.diagnostic_code, e.bounce_sub_type, e.occurred_at, e.occurred_at, 1, e.deadline, e.deadline, e.occurred_at
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
WHERE e.event_id <= %(addresses)s::bigint
"""
_BLOCKS = """
INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, recorded_at, event_id)
SELECT e.address_id, a.address, e.kind, e.occurred_at, e.recorded_at, e.event_id
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
WHERE e.event_id <= %(addresses)s AND e.kind = 'permanent_bounce'
"""
_SEARCHABLE = "UPDATE ses_bounces.setting SET searchable_to = (SELECT max(address_id) FROM ses_bounces.address)"


@dataclass(frozen=True)
class Sizes:
    """How many addresses and entries to make, and the share of the addresses that are blocked."""

    addresses: int
    entries: int
    blocked: float = 0.3


def seed(connection: Connection, sizes: Sizes) -> None:
    """Fill registry, ledger and lists of an empty database as the job would have."""
    common = {"addresses": sizes.addresses, "blocked": sizes.blocked}
    # Nobody reads it before it is whole: what a crash would lose is made again.
    connection.execute("SET synchronous_commit = off")
    connection.execute("UPDATE ses_bounces.setting SET people_compared_at = now()")
    with without_indexes(connection, "address", "address_event", "bounce_list", "blocked_list"):
        connection.execute(_ADDRESSES, common)
        for text, begin, end in ((_FIRST, 1, sizes.addresses), (_LATER, sizes.addresses + 1, sizes.entries)):
            for first in range(begin, end + 1, ENTRIES_PER_STATEMENT):
                connection.execute(text, common | {"first": first, "last": min(first + ENTRIES_PER_STATEMENT - 1, end)})
        connection.execute("ANALYZE ses_bounces.address, ses_bounces.address_event")
        connection.execute(_BOUNCES, common)
        connection.execute(_BLOCKS, common)
    connection.execute(_SEARCHABLE)
    connection.execute("VACUUM ANALYZE")
    connection.execute("RESET synchronous_commit")
