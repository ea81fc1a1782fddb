"""Who may trigger which DAG where Airflow has the FAB auth manager: its roles, and roles of one's own."""

from __future__ import annotations

import httpx
import pytest

from dev.pages_server import PagesServer
from ses_bounces.dags import DAG_NAMES
from tests.e2e.fab import USERS, Fab

pytestmark = pytest.mark.e2e


def triggered(server: PagesServer, user: str, dag_id: str) -> int:
    """The status of a request to trigger a DAG; 404: the user may, and it isn't there."""
    headers = {"Authorization": f"Bearer {server.token(user)}"}
    url = f"{server.airflow.url}/api/v2/dags/{dag_id}/dagRuns"
    sent = {"logical_date": None, "conf": {}}
    return httpx.post(url, json=sent, headers=headers, timeout=60, trust_env=False).status_code


@pytest.fixture(scope="module")
def triggerers(fab: Fab) -> dict[str, str]:
    """By DAG, a user whose role gives what it takes to trigger it, and nothing else."""
    users = {dag_id: f"tri_{dag_id}" for dag_id in DAG_NAMES}
    roles = {
        f"Trigger {dag_id}": [["can_read", f"DAG:{dag_id}"], ["can_edit", f"DAG:{dag_id}"], ["can_create", "DAG Runs"]]
        for dag_id in users
    }
    fab.grant(roles, {user: f"Trigger {dag_id}" for dag_id, user in users.items()})
    for user in users.values():
        fab.server.token(user, fab.password)
    return users


@pytest.mark.parametrize("dag_id", DAG_NAMES)
def test_who_may_trigger_with_the_fab_auth_manager(fab: Fab, triggerers: dict[str, str], dag_id: str) -> None:
    """As docs/access.md says: the roles that may edit a DAG and make runs; a role of one's own gets both by itself."""
    assert {name for name in USERS if triggered(fab.server, name, dag_id) != 403} == {"uli", "opa", "ada"}
    user = triggerers[dag_id]
    assert [other for other in DAG_NAMES if triggered(fab.server, user, other) != 403] == [dag_id]
    # It reads no page and saves no settings by that, unless it is the DAG whose right the pages ask for.
    with fab.server.client(user) as client:
        assert client.get("").status_code == (200 if dag_id == "ses_bounces" else 403)
        assert client.post("settings/done", data={"token": "none"}).status_code == 403
