"""Who may do what on the administrators' pages where Airflow has the FAB auth manager: its roles, and roles of one's own."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.fab import SEES_MENU, USERS, Fab
from tests.kit.page_rights import CASES, Page, ask, differing, everything, fill_settings, seed, token_of

pytestmark = pytest.mark.e2e


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
    both = ["dag", "nav"]
    assert fab.menu(None)[0] == 401
    for user in USERS:
        assert fab.menu(user) == ((200, both) if user in SEES_MENU else (403, [])), user
    fab.grant({"Viewer": [["can_read", "Plugins"]], "Mail reader": [["can_read", "Plugins"]]})
    for user in USERS:
        sees = user in SEES_MENU | {"vic", "rea"}
        assert fab.menu(user) == ((200, both) if sees else (403, [])), user
