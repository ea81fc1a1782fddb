"""What the benchmarks of the pages show beside the lists: people, decisions, lifts, runs, and three years of days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dev.pages_server import PEOPLE
from ses_bounces.ledger.figures.counting import count_figures
from ses_bounces.report.making import make_report

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Daily reports that have their files.
REPORTS = 45
# Three years.
DAYS = 1_095
_PEOPLE = """
INSERT INTO public.people (id, email)
SELECT a.address_id, a.address FROM ses_bounces.address a WHERE a.address_id %% 5 = 0
"""
_PEOPLE_INDEX = "CREATE INDEX people_address_key ON public.people (ses_bounces.address_key(email))"
_BESIDE = """
INSERT INTO ses_bounces.flag_change (address_id, people_table, person_id, new_value, row_xmin, settled_at, settlement)
SELECT n * 5, 'public.people', (n * 5)::text, false, 1, now(), 'touched' FROM generate_series(1, 300) n;
INSERT INTO ses_bounces.unblock_request (address_id, lifts, actor, reason, requested_at, finished_at, result)
SELECT n, '{permanent_bounce}', 'anna', 'a typo', now() - make_interval(mins => n),
    CASE WHEN n > 300 THEN now() - make_interval(mins => n - 1) END,
    CASE WHEN n > 600 THEN 'lifted' WHEN n > 300 THEN 'SES refused' END
FROM generate_series(1, 20000) n
JOIN ses_bounces.address a ON a.address_id = n;
INSERT INTO ses_bounces.run (run_id, task_id, started_at, finished_at, counts)
SELECT 'scheduled__' || n / 8, 'task_' || n % 8, now() - make_interval(mins => n * 7),
    now() - make_interval(mins => n * 7 - 1), '{"received": 1000, "applied": 990}'
FROM generate_series(1, 20000) n
"""
_COPY_REPORT = """
INSERT INTO ses_bounces.report_day (day, timezone, ledger_position, published_at, summary, html, csv)
SELECT r.day - n, r.timezone, r.ledger_position, now(), r.summary || jsonb_build_object('day', r.day - n),
    CASE WHEN n < %(with_files)s THEN r.html ELSE '' END, CASE WHEN n < %(with_files)s THEN r.csv ELSE '' END
FROM ses_bounces.report_day r CROSS JOIN generate_series(1, %(days)s - 1) n
"""
# What the ledger does not have: figures of three years, by 60 providers, 20 campaigns and some names.
_FIGURES = """
INSERT INTO ses_bounces.figure_day (dimension, day, name, bounces, lifted, transients, complaints, not_sent)
SELECT d.dimension, current_date - n, d.name || x, 40 + n %% 17, n %% 3, 60 + n %% 29, n %% 5, n %% 7
FROM (VALUES ('all', '', 1), ('provider', 'provider', 60), ('configuration_set', 'set', 3), ('identity', 'news', 4),
    ('campaign', 'campaign', 20)) d(dimension, name, names)
CROSS JOIN generate_series(1, %(days)s) n
CROSS JOIN LATERAL (SELECT CASE d.dimension WHEN 'all' THEN '' ELSE i::text END FROM generate_series(1, d.names) i) y(x)
ON CONFLICT DO NOTHING;
INSERT INTO ses_bounces.delivery_day (dimension, day, name, deliveries)
SELECT f.dimension, f.day, f.name, 9000 FROM ses_bounces.figure_day f ON CONFLICT DO NOTHING;
INSERT INTO ses_bounces.sent_day (
    account, region, source, dimension, day, name, sent, delivered, bounces, complaints, rejects
)
SELECT '123456789012', 'eu-west-1', CASE f.dimension WHEN 'all' THEN 'statistics' ELSE 'vdm' END, f.dimension, f.day,
    f.name, 9500, 9300, 100, 3, 0
FROM ses_bounces.figure_day f
ON CONFLICT DO NOTHING;
INSERT INTO ses_bounces.figure_text (day, provider, said, bounces)
SELECT f.day, f.name, 'user unknown ' || i, 10 - i
FROM ses_bounces.figure_day f CROSS JOIN generate_series(1, 5) i
WHERE f.dimension = 'provider' AND f.day > current_date - 90
ON CONFLICT DO NOTHING
"""


def seed_beside(connection: Connection) -> None:
    """Fill what only the pages show; at the second time nothing is left to do."""
    connection.execute(PEOPLE)
    if connection.execute("SELECT FROM public.people LIMIT 1").fetchone() is None:
        connection.execute(_PEOPLE, [])
        connection.execute(_PEOPLE_INDEX)
        connection.execute(_BESIDE)
        make_report(connection, datetime.now(UTC).date() - timedelta(days=1), ZoneInfo("UTC"))
        connection.execute(_COPY_REPORT, {"with_files": REPORTS, "days": DAYS})
    first = datetime.now(UTC).date() - timedelta(days=DAYS - 30)
    if connection.execute("SELECT FROM ses_bounces.figure_day WHERE day < %s LIMIT 1", [first]).fetchone() is None:
        count_figures(connection)
        for text in _FIGURES.split(";"):
            connection.execute(text, {"days": DAYS})
        connection.execute("VACUUM ANALYZE")
