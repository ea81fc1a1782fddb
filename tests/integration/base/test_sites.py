"""Two sites from one installation: each task, connection and form is of its own site, and never of the other one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dev.aws import Feed, temporary_aws
from dev.postgres import EmbeddedPostgres
from dev.ses import FakeSes
from ses_bounces.__main__ import main
from ses_bounces.base import metrics
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.database.pool import lend
from ses_bounces.base.exceptions import MissingConnectionError, SchemaError, SettingsError
from ses_bounces.base.settings import load
from ses_bounces.base.sites import Site
from ses_bounces.feed.setup.variable import with_feed
from tests.kit.builders import bounce, iso, sns
from tests.kit.seeding import dated
from tests.kit.tasks import Tasks

DEFAULT, NEWS = Site(), Site("news")
NEWS_POSTGRES, NEWS_VARIABLE = "AIRFLOW_CONN_SES_BOUNCES_NEWS_POSTGRES", "AIRFLOW_VAR_SES_BOUNCES_NEWS"


@pytest.fixture(scope="module")
def ses() -> Iterator[FakeSes]:
    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started


@pytest.fixture
def news_url(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of the other site."""
    postgres.create_database("news")
    url = postgres.url("news")
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS news WITH (FORCE)")
        admin.execute("CREATE DATABASE news")
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "default,news")
    monkeypatch.setenv(NEWS_POSTGRES, url)
    with NEWS.current(), connect_url(url) as connection:
        schema.upgrade(connection)
    return url


def blocked(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT address FROM ses_bounces.blocked_list ORDER BY 1").fetchall()
    return [address for (address,) in found]


def test_each_site_drains_its_queue_into_its_database(
    database_url: str, news_url: str, ses: FakeSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = {DEFAULT: Feed.create(ses), NEWS: Feed.create(ses, "-news", "news@news.example.com")}
    now = iso(datetime.now(UTC))
    for (site, feed), name in zip(feeds.items(), ("anna", "nora"), strict=True):
        feed.send_bodies([json.dumps(sns(dated(bounce(f"{name}@example.com"), 2), Timestamp=now))])
        assert site.variable in ("ses_bounces", "ses_bounces_news")
    tasks = Tasks(monkeypatch, database_url, ses.connection_json(), queue_urls=[feeds[DEFAULT].queue_url])
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_NEWS_AWS", ses.connection_json())
    monkeypatch.setenv(NEWS_VARIABLE, json.dumps({"queue_urls": [feeds[NEWS].queue_url]}))
    with NEWS.current():
        tasks.hour()
    assert (blocked(database_url), blocked(news_url)) == ([], ["nora@example.com"])
    tasks.hour()
    assert (blocked(database_url), blocked(news_url)) == (["anna@example.com"], ["nora@example.com"])
    # Nor does it matter which of them comes last.
    with NEWS.current():
        tasks.hour()
    assert (blocked(database_url), blocked(news_url)) == (["anna@example.com"], ["nora@example.com"])


def test_a_site_refuses_the_database_of_another_one(
    database_url: str, news_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect_url(database_url) as ours, connect_url(news_url) as theirs:
        assert schema.check(ours) == schema.LAST_REVISION
        with pytest.raises(SchemaError, match=r'is that of the site "news", not of "default".*ses_bounces_postgres'):
            schema.check(theirs)
        with NEWS.current():
            assert schema.check(theirs) == schema.LAST_REVISION
            with pytest.raises(SchemaError, match='is that of the site "default", not of "news"'):
                schema.check(ours)
            # Whoever brings it up to date does not take it over.
            with pytest.raises(SchemaError, match='is that of the site "default"'):
                schema.upgrade(ours)


def everything_in(connection: Any) -> list[Any]:
    """Relations and functions of our schema, with when they were made; and its revision."""
    query = (
        "SELECT c.relname::text, c.oid, c.relfilenode FROM pg_class c WHERE c.relnamespace = to_regnamespace('ses_bounces')"
        " UNION ALL SELECT p.proname, p.oid, p.xmin::text::bigint FROM pg_proc p"
        " WHERE p.pronamespace = to_regnamespace('ses_bounces') ORDER BY 1, 2"
    )
    return [schema.revision(connection), *connection.execute(query).fetchall()]


def test_a_schema_of_another_site_is_not_migrated(news_url: str) -> None:
    """Not even one of an older revision, and whatever the role might do."""
    with connect_url(news_url) as theirs:
        theirs.execute("UPDATE ses_bounces.alembic_version SET version_num = '0001'")
        before = everything_in(theirs)
        with pytest.raises(SchemaError, match='is that of the site "news", not of "default"'):
            schema.upgrade(theirs)
        assert everything_in(theirs) == before
        # As 0.1.0 made it, when there were no sites.
        theirs.execute("ALTER TABLE ses_bounces.setting DROP COLUMN site")
        with NEWS.current(), pytest.raises(SchemaError, match='is that of the site "default", not of "news"'):
            schema.upgrade(theirs)
        assert schema.revision(theirs) == 1


@pytest.mark.parametrize(
    "made", ["CREATE TABLE ses_bounces.theirs (x int)", "CREATE FUNCTION ses_bounces.f() RETURNS int RETURN 1"]
)
def test_a_schema_of_somebody_else_is_not_taken(news_url: str, made: str) -> None:
    with connect_url(news_url) as theirs:
        theirs.execute("DROP SCHEMA ses_bounces CASCADE")
        theirs.execute("CREATE SCHEMA ses_bounces")
        theirs.execute(made)
        before = everything_in(theirs)
        with NEWS.current(), pytest.raises(SchemaError, match="was not made by airflow-ses-bounces"):
            schema.upgrade(theirs)
        assert everything_in(theirs) == before


def test_an_upgrade_that_was_killed_before_it_noted_its_site_goes_on(news_url: str) -> None:
    with connect_url(news_url) as ours, NEWS.current():
        ours.execute("DELETE FROM ses_bounces.setting")
        assert schema.upgrade(ours) == schema.LAST_REVISION
        assert ours.execute("SELECT site FROM ses_bounces.setting").fetchone() == ("news",)


def test_requests_of_two_sites_share_no_connection(
    database_url: str, news_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", database_url)
    names = []
    for site in (DEFAULT, NEWS, DEFAULT, NEWS):
        with site.current(), lend(site.postgres_conn_id) as connection:
            names.append((connection.info.dbname, connection.info.backend_pid))
    assert names[0] == names[2]
    assert names[1] == names[3]
    assert len(set(names)) == 2
    assert names[1][0] == "news"


def test_settings_are_those_of_the_site(news_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps({"queue_urls": ["https://example.com/1/a"]}))
    with NEWS.current(), pytest.raises(SettingsError, match='Airflow Variable "ses_bounces_news" is missing'):
        load()
    monkeypatch.setenv(NEWS_VARIABLE, json.dumps({"queue_urls": ["https://example.com/1/b"], "aws_conn_id": None}))
    with NEWS.current():
        settings = load()
        assert [queue.name for queue in settings.queue_urls] == ["b"]
        assert (settings.aws_conn_id, settings.postgres_conn_id) == (None, "ses_bounces_news_postgres")
        # What the setup proposes names no connection that is the site's own anyway.
        assert "aws_conn_id" not in with_feed(
            None, "https://example.com/1/b", "arn:aws:sns:eu-west-1:000000000000:t", "ses_bounces_news_aws"
        )
        monkeypatch.setenv(NEWS_VARIABLE, json.dumps({"queue_urls": [], "enforce": 1}))
        with pytest.raises(SettingsError, match='Change it in Airflow Variable "ses_bounces_news"'):
            load()
    assert (load().aws_conn_id, load().postgres_conn_id) == ("ses_bounces_aws", "ses_bounces_postgres")


def test_metrics_are_told_apart_by_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.observability.stats import Stats

    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(Stats, "incr", lambda name, _count, tags: sent.append((name, tags)))
    monkeypatch.setattr(Stats, "gauge", lambda name, _value, tags: sent.append((name, tags)))
    metrics.count("promoted", 1)
    with NEWS.current():
        metrics.count("promoted", 1)
        metrics.gauge("queue_depth", 1, {"queue": "q"})
    assert sent == [
        ("ses_bounces.promoted", None),
        ("ses_bounces.promoted", {"site": "news"}),
        ("ses_bounces.queue_depth", {"queue": "q", "site": "news"}),
    ]


def test_the_shell_works_on_the_site_that_is_named(
    database_url: str, news_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_POSTGRES", database_url)
    for variable in ("AIRFLOW_VAR_SES_BOUNCES", NEWS_VARIABLE):
        monkeypatch.setenv(variable, json.dumps({"queue_urls": ["https://example.com/1/a"]}))
    assert main(["block", "nora@example.com", "--reason", "asked us", "--site", "news"]) == 0
    assert (blocked(database_url), blocked(news_url)) == ([], ["nora@example.com"])
    capsys.readouterr()
    assert main(["check", "nora@example.com"]) == 0
    assert main(["check", "nora@example.com", "--site", "news"]) == 3
    assert main(["check", "nora@example.com", "--site", "shop"]) == 1
    assert 'There is no site "shop"; there are: default, news.' in capsys.readouterr().err
    assert main(["db", "check", "--url", news_url]) == 1
    assert 'is that of the site "news"' in capsys.readouterr().err
    assert main(["db", "check", "--url", news_url, "--site", "news"]) == 0


def test_what_is_missing_is_told_by_the_sites_name(news_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    monkeypatch.delenv(NEWS_POSTGRES)
    with (
        NEWS.current(),
        pytest.raises(MissingConnectionError, match=r'"ses_bounces_news_postgres".*Variable "ses_bounces_news"'),
        lend(NEWS.postgres_conn_id),
    ):
        pass
