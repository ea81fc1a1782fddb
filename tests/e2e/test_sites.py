"""Two sites on one API server: whoever has rights to one sees and changes nothing of the other, by whatever route."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from dev.pages_server import PEOPLE, SETTINGS, PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from ses_bounces.database import schema
from ses_bounces.database.connection import connect_url
from ses_bounces.sites import Site
from tests.e2e.conftest import AWS
from tests.e2e.test_pages_fab import FAB, Fab
from tests.page_rights import CASES, Page, ask, differing, everything, seed, token_of

pytestmark = pytest.mark.e2e

NEWS, SHOP = Site("news"), Site("shop")
# By user: the DAGs whose lists they keep.
EDITORS = {"dora": "DAG:ses_bounces", "nina": "DAG:ses_bounces_news"}
# The DAGs of the shop have a prefix that the API server is not told of. Eve's would have none.
SHOP_EDITORS = {"sam": "DAG:acme.ses_bounces_shop", "eve": "DAG:ses_bounces_shop"}
DAG_FILE = """# An Airflow DAG file.
from ses_bounces.dags import build_dags

build_dags(site="shop", dag_id_prefix="acme.")
"""


@dataclass
class Two:
    """The pages of both and of a third, and what they act upon; the ids of rows are those of the other one's rows as well."""

    default: PagesServer
    news: PagesServer
    shop: PagesServer
    default_data: dict[str, str]
    news_data: dict[str, str]


@pytest.fixture(scope="module")
def two(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    urls = {site: postgres.url(f"pages_of_{site.name}") for site in (NEWS, SHOP)}
    for site, url in urls.items():
        postgres.create_database(f"pages_of_{site.name}")
        with site.current(), connect_url(url) as connection:
            schema.upgrade(connection)
            connection.execute(PEOPLE)
    folder: Path = tmp_path_factory.mktemp("sites")
    dags = folder / "dags_of_theirs"
    dags.mkdir()
    (dags / "shop.py").write_text(DAG_FILE)
    environment = {
        "AIRFLOW__SES_BOUNCES__SITES": "default,news,shop",
        "AIRFLOW_CONN_SES_BOUNCES_AWS": AWS,
        "AIRFLOW_CONN_SES_BOUNCES_NEWS_AWS": AWS,
        **{f"AIRFLOW_CONN_{site.postgres_conn_id.upper()}": url for site, url in urls.items()},
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW__FAB__CACHE_TTL": "0",
    }
    with pages_server(folder, postgres, "sites", environment, dags=dags) as default:
        for site in urls:
            default.airflow.run_command("variables", "set", site.variable, json.dumps(SETTINGS))
        default.airflow.run_command("dags", "reserialize")
        fab = Fab(default, secrets.token_urlsafe(12))
        editors = EDITORS | SHOP_EDITORS
        roles = {user: [[action, dag] for action in ("can_read", "can_edit")] for user, dag in editors.items()}
        fab.grant(roles, {user: user for user in editors} | {"ada": "Admin"})
        for user in (*editors, "ada"):
            default.token(user, fab.password)
        news, shop = (replace(default, database_url=url, site=site) for site, url in urls.items())
        yield Two(default, news, shop, seed(default, "alpha"), seed(news, "omega"))


def test_each_has_its_entry_in_the_menu(two: Two) -> None:
    with two.default.client("ada") as client:
        plugins = client.get(f"{two.default.airflow.url}/api/v2/plugins").json()["plugins"]
    [ours] = [plugin for plugin in plugins if plugin["name"] == "ses_bounces"]
    assert [(view["name"], view["href"]) for view in ours["external_views"] if view["destination"] == "nav"] == [
        ("Email Bounces", "ses-bounces/"),
        ("Email Bounces: news", "ses-bounces-news/"),
        ("Email Bounces: shop", "ses-bounces-shop/"),
    ]


@pytest.mark.parametrize("user", EDITORS)
def test_who_keeps_one_list_gets_nothing_of_the_other(two: Two, user: str) -> None:
    server, data = (two.news, two.news_data) if user == "dora" else (two.default, two.default_data)
    before = everything(server)
    with server.client(user) as client:
        for route in CASES:
            answer = ask(client, route, data, "none")
            assert answer.status_code == 403, (route, answer.text[-500:])
            assert data["name"] not in answer.text, route
    assert differing(before, everything(server)) == []


def test_a_page_shows_its_own_list_only(two: Two) -> None:
    """Also to who has rights to both; rows of both have the same ids."""
    assert two.default_data["lifted"] == two.news_data["lifted"]
    assert two.default_data["retried"] == two.news_data["retried"]
    seen = set()
    for server, own, other in ((two.default, "alpha", "omega"), (two.news, "omega", "alpha")):
        data = two.default_data if server is two.default else two.news_data
        with server.client("ada") as client:
            for route in CASES:
                if route.startswith("GET "):
                    text = ask(client, route, data).text
                    assert f"{other}-" not in text, route
                    seen |= {(own, route)} if f"{own}-" in text else set()
            assert server.site.title in Page(client.get("").text).text
    routes = [{route for name, route in seen if name == of} for of in ("alpha", "omega")]
    assert routes[0] == routes[1]
    assert len(routes[0]) >= 5


def test_who_keeps_a_list_may_do_everything_with_it_and_the_other_stays(two: Two) -> None:
    before = everything(two.default)
    with two.news.client("nina") as client:
        for route, case in CASES.items():
            token = token_of(client) if route.startswith("POST ") else None
            expected = 403 if case.right == "settings" else case.status
            answer = ask(client, route, two.news_data, token)
            assert answer.status_code == expected, (route, answer.text[-1000:])
    # Airflow's own log has the entries, on the site's DAG.
    assert set(differing(before, everything(two.default))) == {"log"}
    with psycopg.connect(two.news.metadata_url) as connection:
        query = "SELECT DISTINCT l.owner, l.dag_id FROM log l WHERE l.event LIKE 'ses\\_bounces.%'"
        assert connection.execute(query).fetchall() == [("nina", "ses_bounces_news")]


def test_pages_find_the_dags_of_their_site_by_the_prefix_that_these_have(two: Two) -> None:
    """Rights, sentences and Airflow's own log are of the DAG as it is called, on every route."""
    with psycopg.connect(two.shop.metadata_url) as connection:
        dags = {dag_id for (dag_id,) in connection.execute("SELECT d.dag_id FROM dag d").fetchall()}
    assert {"acme.ses_bounces_shop", "acme.ses_bounces_shop_lift_blocks"} <= dags
    assert "ses_bounces_shop" not in dags
    data = seed(two.shop, "sigma")
    before = everything(two.shop)
    for user in ("eve", "dora"):
        with two.shop.client(user) as client:
            for route in CASES:
                answer = ask(client, route, data, "none")
                assert answer.status_code == 403, (user, route)
                assert "sigma" not in answer.text, (user, route)
            refusal = client.get("").text
            assert "acme.ses_bounces_shop" in refusal
    assert differing(before, everything(two.shop)) == []
    with two.shop.client("sam") as client:
        for route, case in CASES.items():
            token = token_of(client) if route.startswith("POST ") else None
            answer = ask(client, route, data, token)
            assert answer.status_code == (403 if case.right == "settings" else case.status), (
                route,
                answer.text[-1000:],
            )
        assert "acme.ses_bounces_shop" in Page(client.get("").text).text
    with psycopg.connect(two.shop.metadata_url) as connection:
        query = "SELECT DISTINCT l.dag_id FROM log l WHERE l.event LIKE 'ses\\_bounces.%' AND l.owner = 'sam'"
        assert connection.execute(query).fetchall() == [("acme.ses_bounces_shop",)]


def test_a_form_of_one_is_none_of_the_other(two: Two) -> None:
    with two.news.client("ada") as client:
        token = token_of(client)
    before = everything(two.default)
    with two.default.client("ada") as client:
        answer = ask(client, "POST /stops/done", two.default_data | {"name": "crossed"}, token)
        assert answer.status_code == 403
        assert "missing or damaged" in Page(answer.text).text
    assert differing(before, everything(two.default)) == []


def test_a_search_of_one_is_none_of_the_other(two: Two) -> None:
    with two.default.client("ada") as client:
        sent = {"text": "alpha-secret", "token": token_of(client)}
        location = client.post("bounces/search", data=sent).headers["location"]
        assert "filter=" in location
        assert client.get(location).status_code == 200
    with two.news.client("ada") as client:
        answer = client.get("bounces" + location[location.index("?") :])
        assert "alpha-secret" not in answer.text


def test_settings_that_lead_to_the_others_database_show_nothing_of_it(two: Two) -> None:
    run = two.default.airflow.run_command
    run("variables", "set", NEWS.variable, json.dumps(SETTINGS | {"postgres_conn_id": "ses_bounces_postgres"}))
    with two.news.client("ada") as client:
        for route in CASES:
            if route.startswith("GET ") and route != "GET /api/openapi.json":
                answer = ask(client, route, two.news_data)
                assert "alpha-" not in answer.text, route
        answer = client.get("blocked")
        assert answer.status_code == 503
        assert "is that of the site" in Page(answer.text).text
