"""Users and roles of an Airflow with the FAB auth manager."""

import json
import subprocess
from collections.abc import Mapping, Sequence

from dev.airflow import LocalAirflow

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
# `airflow users create` and `airflow roles add-perms` do the same, each in ten seconds.
_GRANT = """
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


def grant(
    airflow: LocalAirflow, password: str, roles: Mapping[str, Sequence[Sequence[str]]], users: Mapping[str, str]
) -> None:
    """Add permissions (action and resource) to roles, and users with a role each. RuntimeError if Airflow can't."""
    sent = json.dumps([users, roles, password])
    command = [str(airflow.python), "-c", _GRANT]
    done = subprocess.run(command, input=sent, env=airflow.environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the users could not be added:\n{done.stderr[-3000:]}")
