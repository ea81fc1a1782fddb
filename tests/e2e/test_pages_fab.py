"""Who may do what on the administrators' pages where Airflow has the FAB auth manager: its roles, and roles of one's own."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from dev.pages_server import PagesServer, pages_server
from dev.postgres import EmbeddedPostgres
from tests.e2e.conftest import AWS
from tests.page_rights import CASES, Page, ask, differing, everything, fill_settings, seed, token_of

pytestmark = pytest.mark.e2e

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
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

# `airflow users create` and `airflow roles add-perms` do the same, each in ten seconds.
GRANT = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
users, roles, password = json.loads(sys.stdin.read())
with get_application_builder() as builder:
    manager = builder.sm
    for name, permissions in roles.items():
        role = manager.add_role(name)
        for action, resource in permissions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for name, role in users.items():
        assert manager.add_user(name, name, name, name + "@airflow.example", manager.find_role(role), password)
"""


@dataclass
class Fab:
    """A server with the FAB auth manager."""

    server: PagesServer
    password: str

    def grant(self, roles: dict[str, list[list[str]]], users: dict[str, str] | None = None) -> None:
        """Add permissions to roles, and users."""
        sent = json.dumps([users or {}, roles, self.password])
        command = [sys.executable, "-c", GRANT]
        environment = self.server.airflow.environment
        done = subprocess.run(command, input=sent, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]

    def menu(self, user: str | None) -> tuple[int, list[str]]:
        """Status, and the places that our plugin has in the UI as far as a user is told of them."""
        headers = {"Authorization": f"Bearer {self.server.token(user)}"} if user else {}
        answer = httpx.get(f"{self.server.airflow.url}/api/v2/plugins", headers=headers, timeout=60, trust_env=False)
        plugins = answer.json().get("plugins", [])
        views = [view for plugin in plugins if plugin["name"] == "ses_bounces" for view in plugin["external_views"]]
        return answer.status_code, sorted(view["destination"] for view in views)


@pytest.fixture(scope="module")
def fab(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fab]:
    """A server with a user of each role."""
    folder: Path = tmp_path_factory.mktemp("fab")
    environment = {
        "AIRFLOW_CONN_SES_BOUNCES_AWS": AWS,
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        # What a user may do is otherwise remembered for half a minute.
        "AIRFLOW__FAB__CACHE_TTL": "0",
    }
    with pages_server(folder, postgres, "fab", environment) as server:
        started = Fab(server, secrets.token_urlsafe(12))
        started.grant(ROLES, {user: role for user, (role, _) in USERS.items()})
        for user in USERS:
            server.token(user, started.password)
        yield started


@pytest.fixture(scope="module")
def data(fab: Fab) -> dict[str, str]:
    """What the matrix acts upon."""
    return seed(fab.server, "matrix")


@pytest.mark.parametrize("cookie", [None, "garbage"])
def test_nobody_gets_in_without_a_login(fab: Fab, data: dict[str, str], cookie: str | None) -> None:
    headers = {"Cookie": f"_token={cookie}"} if cookie else {}
    with httpx.Client(base_url=fab.server.root, headers=headers, timeout=60, trust_env=False) as client:
        for route in CASES:
            assert ask(client, route, data).status_code in (401, 403), route


@pytest.mark.parametrize("user", USERS)
def test_the_matrix_of_roles(fab: Fab, data: dict[str, str], user: str) -> None:
    role, rights = USERS[user]
    with fab.server.client(user) as client:
        for route, case in CASES.items():
            # Who may read gets a token with every form.
            token = token_of(client) if "read" in rights and route.startswith("POST ") else "none"
            if case.right == "settings" and "settings" in rights:
                fill_settings(client, fab.server, data)
            expected = case.status if case.right in rights else 403
            before = everything(fab.server) if expected == 403 else None
            answer = ask(client, route, data, token)
            assert answer.status_code == expected, (role, route, answer.text[-1000:])
            if before is not None:
                assert differing(before, everything(fab.server)) == [], (role, route)


@pytest.mark.parametrize("user", ["vic", "rea"])
def test_who_only_reads_sees_addresses_masked(fab: Fab, data: dict[str, str], user: str) -> None:
    with fab.server.client(user) as client:
        for path in ("bounces", "blocked", "api/bounces", f"addresses/{data['lifted']}"):
            answer = client.get(path)
            assert "m•••@example.com" in answer.text, path
            assert "matrix-" not in answer.text, path
    with fab.server.client("edi") as client:
        assert "matrix-" in client.get(f"addresses/{data['lifted']}").text


def test_the_token_of_one_user_is_none_of_another(fab: Fab, data: dict[str, str]) -> None:
    with fab.server.client("ada") as other:
        token = token_of(other)
    with fab.server.client("uli") as client:
        before = everything(fab.server)
        answer = ask(client, "POST /stops/done", data | {"name": "stolen"}, token)
        assert answer.status_code == 403
        assert "another user" in Page(answer.text).text
        assert differing(before, everything(fab.server)) == []


def test_the_audit_log_names_the_user(fab: Fab, data: dict[str, str]) -> None:
    with fab.server.client("edi") as client:
        assert ask(client, "POST /api/block", data | {"name": "audited"}).status_code == 200
    owners = [owner for owner, _ in fab.server.audit_log("ses_bounces.request_stops")]
    # The login name, not FAB's number.
    assert owners[-1] == "edi"


def test_the_menu_needs_a_permission_of_its_own(fab: Fab) -> None:
    """The last test: it changes the roles."""
    both = ["dag", "nav"]
    assert fab.menu(None)[0] == 401
    for user in USERS:
        assert fab.menu(user) == ((200, both) if user in SEES_MENU else (403, [])), user
    fab.grant({"Viewer": [["can_read", "Plugins"]], "Mail reader": [["can_read", "Plugins"]]})
    for user in USERS:
        sees = user in SEES_MENU | {"vic", "rea"}
        assert fab.menu(user) == ((200, both) if sees else (403, [])), user
