"""An API server where Airflow has the FAB auth manager: its roles, roles of one's own, and the pages of three sites."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev.airflow import LocalAirflow
from dev.airflow_api import AirflowApi
from dev.fab_users import FAB, grant
from dev.pages_server import PEOPLE, PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from dev.stack import METADATA_DATABASE, Stack
from ses_bounces.base.database import schema
from ses_bounces.base.database.connection import connect_url
from ses_bounces.base.sites import Site

DAG = "DAG:ses_bounces"
# Permissions of roles of one's own, by role.
ROLES = {"Mail reader": [["can_read", DAG]], "Mail editor": [["can_read", DAG], ["can_edit", DAG]]}
# User, role, and what they may do. Only an Op may change Variables.
USERS = {
    "pia": ("Public", set[str]()),
    "vic": ("Viewer", {"read"}),
    "uli": ("User", {"read", "edit"}),
    "opa": ("Op", {"read", "edit", "settings"}),
    "ada": ("Admin", {"read", "edit", "settings"}),
    "rea": ("Mail reader", {"read"}),
    "edi": ("Mail editor", {"read", "edit"}),
}
SEES_MENU = {"opa", "ada"}

NEWS, SHOP = Site("news"), Site("shop")
# By user: the DAGs whose lists they keep.
EDITORS = {"dora": "DAG:ses_bounces", "nina": "DAG:ses_bounces_news"}
# The DAGs of the shop have a prefix that the API server is not told of. Eve's would have none.
SHOP_EDITORS = {"sam": "DAG:acme.ses_bounces_shop", "eve": "DAG:ses_bounces_shop"}
# The connection to another database of the site without a name.
SECOND = "second"
DAG_FILE = """# An Airflow DAG file.
from ses_bounces.dags import build_dags

build_dags(site="shop", dag_id_prefix="acme.")
"""


@dataclass
class Fab:
    """A server with the FAB auth manager."""

    server: PagesServer
    password: str

    def grant(self, roles: dict[str, list[list[str]]], users: dict[str, str] | None = None) -> None:
        """Add permissions to roles, and users."""
        grant(self.server.airflow, self.password, roles, users or {})

    def menu(self, user: str | None) -> tuple[int, list[str]]:
        """Status, and the places that the site without a name has in the UI, as far as a user is told of them."""
        headers = {"Authorization": f"Bearer {self.server.token(user)}"} if user else {}
        answer = httpx.get(f"{self.server.airflow.url}/api/v2/plugins", headers=headers, timeout=60, trust_env=False)
        plugins = answer.json().get("plugins", [])
        views = [view for plugin in plugins if plugin["name"] == "ses_bounces" for view in plugin["external_views"]]
        ours = [view for view in views if view["href"] == f"{self.server.site.slug}/"]
        return answer.status_code, sorted(view["destination"] for view in ours)


@contextmanager
def fab_door(stack: Stack, users: dict[str, str]) -> Iterator[Callable[[str], AirflowApi]]:
    """Start a second API server, with the FAB auth manager, of an Airflow that runs tasks; yield its API of a user.

    :param users: the role of each by login name.
    """
    metadata_url = stack.postgres.url(METADATA_DATABASE)
    settings = stack.airflow.settings
    shared = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
    server = LocalAirflow(
        stack.data / "fab",
        metadata_url,
        dags=Path(settings["AIRFLOW__CORE__DAGS_FOLDER"]),
        components=("api-server",),
        preferred_port=0,
        environment={name: settings[name] for name in shared} | {"AIRFLOW__CORE__AUTH_MANAGER": FAB},
    )
    server.note_migrated()
    password = secrets.token_urlsafe(12)
    with server:
        grant(server, password, {}, users)
        yield lambda user: AirflowApi(server.url, user, password, metadata_url)


@contextmanager
def fab_server(postgres: EmbeddedPostgres, folder: Path, aws: str) -> Iterator[Fab]:
    """Start one with a user of each role, and with an editor of each site's list.

    :param aws: the Airflow connection to AWS, as JSON.
    """
    urls = {SECOND: postgres.url("pages_second")}
    for site in (Site(), NEWS, SHOP):
        name = "pages_second" if site.is_default else f"pages_of_{site.name}"
        postgres.create_database(name)
        with site.current(), connect_url(postgres.url(name)) as connection:
            schema.upgrade(connection)
            connection.execute(PEOPLE)
        if not site.is_default:
            urls[site.postgres_conn_id] = postgres.url(name)
    dags = folder / "dags_of_theirs"
    dags.mkdir()
    (dags / "shop.py").write_text(DAG_FILE)
    environment = {
        "AIRFLOW__SES_BOUNCES__SITES": "default,news,shop",
        "AIRFLOW_CONN_SES_BOUNCES_AWS": aws,
        "AIRFLOW_CONN_SES_BOUNCES_NEWS_AWS": aws,
        **{f"AIRFLOW_CONN_{conn_id.upper()}": url for conn_id, url in urls.items()},
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        # What a user may do is otherwise remembered for half a minute.
        "AIRFLOW__FAB__CACHE_TTL": "0",
    }
    with pages_server(folder, postgres, "fab", environment, dags=dags) as server:
        started = Fab(server, secrets.token_urlsafe(12))
        editors = EDITORS | SHOP_EDITORS
        roles = ROLES | {user: [[action, dag] for action in ("can_read", "can_edit")] for user, dag in editors.items()}
        users = {user: role for user, (role, _) in USERS.items()} | {user: user for user in editors}
        started.grant(roles, users)
        for user in users:
            server.token(user, started.password)
        yield started
