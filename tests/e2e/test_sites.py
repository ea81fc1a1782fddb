"""Two sites on one API server: whoever has rights to one sees and changes nothing of the other, by whatever route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest

from dev.pages_server import SETTINGS, PagesServer
from dev.postgres import EmbeddedPostgres
from tests.e2e.fab import EDITORS, NEWS, SECOND, SHOP, Fab
from tests.kit.page_rights import CASES, Page, ask, differing, everything, seed, token_of

pytestmark = pytest.mark.e2e


@dataclass
class Two:
    """The pages of both and of a third, and what they act upon; the ids of rows are those of the other one's rows as well."""

    default: PagesServer
    news: PagesServer
    shop: PagesServer
    default_data: dict[str, str]
    news_data: dict[str, str]


@pytest.fixture(scope="module")
def two(fab: Fab, postgres: EmbeddedPostgres) -> Iterator[Two]:
    default = replace(fab.server, database_url=postgres.url("pages_second"))
    default.airflow.run_command("dags", "reserialize")
    for site in (NEWS, SHOP):
        default.store_variable(site.variable, SETTINGS)
    default.store_variable(default.site.variable, SETTINGS | {"postgres_conn_id": SECOND})
    news, shop = (
        replace(default, database_url=postgres.url(f"pages_of_{site.name}"), site=site) for site in (NEWS, SHOP)
    )
    yield Two(default, news, shop, seed(default, "alpha"), seed(news, "omega"))
    default.store_variable(default.site.variable, SETTINGS)


def test_each_has_its_entry_in_the_menu(two: Two) -> None:
    with two.default.client("ada") as client:
        plugins = client.get(f"{two.default.airflow.url}/api/v2/plugins").json()["plugins"]
    [ours] = [plugin for plugin in plugins if plugin["name"] == "ses_bounces"]
    assert [(view["name"], view["href"]) for view in ours["external_views"] if view["destination"] == "nav"] == [
        ("Bounces", "ses-bounces/"),
        ("Bounces: news", "ses-bounces-news/"),
        ("Bounces: shop", "ses-bounces-shop/"),
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
    before, last_entry = everything(two.default), two.default.last_audit_entry()
    with two.news.client("nina") as client:
        for route, case in CASES.items():
            token = token_of(client) if route.startswith("POST ") else None
            expected = 403 if case.right == "settings" else case.status
            answer = ask(client, route, two.news_data, token)
            assert answer.status_code == expected, (route, answer.text[-1000:])
    # Airflow's own log has the entries, on the site's DAG.
    assert set(differing(before, everything(two.default))) == {"log"}
    with psycopg.connect(two.news.metadata_url) as connection:
        query = "SELECT DISTINCT l.owner, l.dag_id FROM log l WHERE l.event LIKE 'ses\\_bounces.%%' AND l.id > %s"
        assert connection.execute(query, [last_entry]).fetchall() == [("nina", "ses_bounces_news")]


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


@pytest.fixture
def led_astray(two: Two) -> Iterator[PagesServer]:
    """The news' pages with settings that lead to the other one's database."""
    two.news.store_variable(NEWS.variable, SETTINGS | {"postgres_conn_id": SECOND})
    yield two.news
    two.news.store_variable(NEWS.variable, SETTINGS)


def test_settings_that_lead_to_the_others_database_show_nothing_of_it(two: Two, led_astray: PagesServer) -> None:
    with led_astray.client("ada") as client:
        for route in CASES:
            if route.startswith("GET ") and route != "GET /api/openapi.json":
                answer = ask(client, route, two.news_data)
                assert "alpha-" not in answer.text, route
        answer = client.get("blocked")
        assert answer.status_code == 503
        assert "is that of the site" in Page(answer.text).text
