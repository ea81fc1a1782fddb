"""A million bounced and 300,000 blocked addresses, set-based, for the benchmarks of the pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from dev.postgres import EmbeddedPostgres, temporary_postgres
from ses_bounces.base.database import partitions, schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.ledger.search_index import index_addresses

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

DATABASE = "pages_seeded"
BOUNCED = 1_000_000
BLOCKED = 300_000

_DOMAINS = """
ARRAY['gmail.com', 'yahoo.com', 'outlook.com', 'icloud.com', 'web.example', 'mail.example.org']
"""
# Addresses like ada.lund123@gmail.com; a tenth at 20,000 small domains.
_ADDRESSES = f"""
INSERT INTO ses_bounces.address (address, address_as_reported, created_at)
SELECT x.address, x.address, now() - interval '90 days'
FROM (
    SELECT (ARRAY['ada', 'ben', 'cleo', 'dan', 'elif', 'femi', 'gus', 'hana', 'ivo', 'june', 'lou'])[1 + h %% 11]
        || '.' || (ARRAY['adler', 'baker', 'costa', 'dunn', 'evans', 'fuchs', 'garcia'])[1 + h / 12 %% 7] || n || '@'
        || CASE WHEN h / 100 %% 10 = 0 THEN 'company' || n %% 20000 || '.example'
            ELSE ({_DOMAINS})[1 + (h / 1000 %% 7) * (h / 1000 %% 5) %% 6] END AS address
    FROM (SELECT n, hashint8(n)::bigint + 2147483648 AS h FROM generate_series(1, %(bounced)s) n) y
) x
"""
# Seven of ten have a transient of the last 14 days, the others bounced for good within 90 days.
_EVENTS = """
INSERT INTO ses_bounces.address_event (
    address_id, kind, occurred_at, recorded_at, dedup_key, actor, reason, deadline, policy, mail_sent_at, bounce_type,
    bounce_sub_type, diagnostic_code, configuration_set, rules_version, message_id
)
SELECT e.address_id, e.kind, e.at, e.at + interval '20 minutes', decode(md5('e' || e.address_id), 'hex'), 'ses', NULL,
    CASE e.kind WHEN 'transient_bounce' THEN e.at + interval '14 days' END,
    CASE e.kind WHEN 'transient_bounce' THEN 'age' END, e.at - interval '5 seconds',
    CASE e.kind WHEN 'transient_bounce' THEN 'Transient' WHEN 'complaint' THEN NULL ELSE 'Permanent' END,
    CASE WHEN e.kind = 'transient_bounce' THEN (ARRAY['General', 'MailboxFull', 'MessageTooLarge'])[1 + e.h / 7 %% 3]
        WHEN e.kind = 'complaint' THEN NULL
        WHEN e.h %% 50000 < 10 THEN 'NoEmail' ELSE 'General' END,
    'smtp; 550 5.1.1 user unknown', (ARRAY['newsletter', 'transactional', NULL])[1 + e.h / 11 %% 3], 1, e.address_id
FROM (
    SELECT y.address_id, y.h,
        CASE WHEN y.h %% 100 < 70 THEN 'transient_bounce' WHEN y.h %% 100 = 99 THEN 'complaint'
            WHEN y.h %% 100 = 98 THEN 'ses_suppression' ELSE 'permanent_bounce' END AS kind,
        now() - make_interval(secs => (y.h / 100 %% 1000003)::double precision
            * CASE WHEN y.h %% 100 < 70 THEN 1.2 ELSE 7.7 END) AS at
    FROM (SELECT a.address_id, hashint8(a.address_id + 77)::bigint + 2147483648 AS h FROM ses_bounces.address a) y
) e
"""
_BOUNCES = """
INSERT INTO ses_bounces.bounce_list (
    address_id, address, kind, details, bounce_sub_type, configuration_set, first_bounced_at, last_bounced_at,
    bounce_count, transient_fix_deadline, due_at, opened_at, closed_at, closed_by, close_reason
)
SELECT e.address_id, a.address,
    CASE e.kind WHEN 'transient_bounce' THEN 'transient' WHEN 'complaint' THEN 'complaint'
        WHEN 'ses_suppression' THEN 'suppressed' ELSE 'permanent' END,
    e.diagnostic_code, e.bounce_sub_type, e.configuration_set, e.occurred_at, e.occurred_at, 1, e.deadline, e.deadline,
    e.occurred_at, c.at, CASE WHEN c.at IS NOT NULL THEN 'ses' END, CASE WHEN c.at IS NOT NULL THEN 'delivered' END
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.kind = 'transient_bounce' AND e.address_id %% 7 = 0 THEN e.occurred_at + interval '1 hour' END
) c(at)
ORDER BY e.occurred_at
"""
_BLOCKS = """
INSERT INTO ses_bounces.blocked_list (address_id, address, reason, blocked_at, recorded_at, event_id, unblocked_at,
    unblocked_by, unblock_reason)
SELECT e.address_id, a.address, e.kind, e.occurred_at, e.recorded_at, e.event_id,
    CASE WHEN e.address_id %% 50 = 0 THEN e.occurred_at + interval '1 hour' END,
    CASE WHEN e.address_id %% 50 = 0 THEN 'alice' END, CASE WHEN e.address_id %% 50 = 0 THEN 'a typo' END
FROM ses_bounces.address_event e
JOIN ses_bounces.address a USING (address_id)
WHERE e.kind <> 'transient_bounce'
ORDER BY e.occurred_at
"""
# Ninety days of messages; 30,000 of them quarantined for five reasons.
_MESSAGES = """
INSERT INTO ses_bounces.message (
    sqs_message_id, queue_url, event_type, body, sent_at, received_at, outcome, reason
)
SELECT n::text, 'q', 'Bounce', '{"notificationType": "Bounce"}', x.at, x.at + interval '5 minutes',
    CASE WHEN n %% 10 = 0 THEN 'quarantined' ELSE 'applied' END,
    CASE WHEN n %% 10 = 0 THEN 'reason ' || CASE WHEN n %% 1000 = 0 THEN n / 1000 %% 4 ELSE 4 END END
FROM generate_series(1, %(messages)s) n
CROSS JOIN LATERAL (
    SELECT now() - make_interval(secs => n * (89 * 86400.0 / %(messages)s)) - interval '6 minutes'
) x(at)
"""


def seed(connection: Connection, bounced: int, blocked: int) -> None:
    """Fill ledger and lists as the job would have, set-based."""
    today = datetime.now(UTC).date()
    for days in range(1, 92):
        if today - timedelta(days=days) not in partitions.partitions(connection):
            partitions._make(connection, today - timedelta(days=days))
    sizes = {"bounced": bounced, "messages": blocked}
    for text in (_ADDRESSES, _EVENTS, _BOUNCES, _BLOCKS, _MESSAGES):
        connection.execute(text, sizes)
    index_addresses(connection)
    connection.execute("SELECT gin_clean_pending_list('ses_bounces.address_search_grams_idx')")
    connection.execute("VACUUM ANALYZE")


@contextmanager
def seeded(scale: float, data: Path | None, console: Console) -> Iterator[tuple[EmbeddedPostgres, Connection]]:
    """Start Postgres with a database ``pages`` of a million times ``scale`` addresses.

    :param data: where its files stay for the next time; None: they are removed at the end.
    """
    # Files that are gone afterwards anyway, or can be made again.
    settings = {"fsync": "off", "shared_buffers": "512MB", "max_wal_size": "4GB"}
    with EmbeddedPostgres(data, settings) if data else temporary_postgres(settings) as postgres:
        postgres.create_database(DATABASE)
        with connect_url(postgres.url(DATABASE)) as connection:
            schema.upgrade(connection)
            if connection.execute("SELECT FROM ses_bounces.bounce_list LIMIT 1").fetchone() is None:
                began = time.perf_counter()
                seed(connection, int(BOUNCED * scale), int(BLOCKED * scale))
                console.print(f"Seeded in {time.perf_counter() - began:.0f} s")
            yield postgres, connection
