"""Settings that Airflow's configuration pins: who may change the Variable can't change these.

They are options of the section ``[ses_bounces]``, of a site with a name of ``[ses_bounces_<name>]``, called like the
settings themselves. One that is empty pins null.
"""

from __future__ import annotations

import json
from typing import Any

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import current

# Connections and resources: what a change of them reaches is up to the job's rights, not to the user's.
PINNABLE = (
    "feeds",
    "aws_conn_id",
    "postgres_conn_id",
    "people_table",
    "people_id_column",
    "people_email_column",
    "people_flag_column",
)


def pinned() -> dict[str, Any]:
    """Return the current site's pinned settings, as the Variable would have them.

    :raises SettingsError: ``feeds`` begins like JSON and is none.
    """
    from airflow.sdk.configuration import conf

    found = {key: conf.get(current().key, key, fallback=None) for key in PINNABLE}
    return {key: _decoded(key, text.strip()) for key, text in found.items() if text is not None}


def refusals(values: dict[str, Any], pins: dict[str, Any]) -> list[str]:
    """Return a line for each setting of the Variable that the configuration pins to something else.

    Where the connection to AWS is pinned, a single queue or feed of the Variable can't name another one either.
    """
    refused = [
        f"{key} can't be set to anything else: Airflow's configuration pins it{_shown(key, value)}. {_advice(key, key)}"
        for key, value in pins.items()
        if key in values and _listed(key, values[key]) != _listed(key, value)
    ]
    if "aws_conn_id" not in pins:
        return refused
    ours = pins["aws_conn_id"]
    return refused + [
        f"{key} names another connection to AWS than the one that Airflow's configuration pins, {json.dumps(ours)}. "
        f"{_advice('its aws_conn_id', 'aws_conn_id')}"
        for key in ("queue_urls", "feeds")
        if key not in pins and _connections(values.get(key)) - {ours}
    ]


def _advice(what: str, key: str) -> str:
    variable = current().variable
    return f'Leave {what} out of Airflow Variable "{variable}". To pin it to something else: {pinned_place(key)}'


def pinned_place(key: str) -> str:
    """Say where a pinned setting is changed."""
    section = current().key
    return f"Change [{section}] {key} in airflow.cfg, or AIRFLOW__{section.upper()}__{key.upper()}."


def _shown(key: str, value: Any) -> str:
    # Identities may be FROM addresses.
    return "" if key == "feeds" else f" to {json.dumps(value)}"


def _decoded(key: str, text: str) -> Any:
    if key != "feeds":
        return text or None
    if not text.startswith(("[", "{")):
        return [identity.strip() for identity in text.split(",") if identity.strip()]
    try:
        return _listed(key, json.loads(text))
    except ValueError as error:
        raise SettingsError(
            f"feeds is not JSON ({error}); it must be identities with commas between them, or a JSON list. "
            f"{pinned_place(key)}"
        ) from None


def _connections(value: Any) -> set[Any]:
    """Return the connections that queues or feeds name; what is not as it should be is for the model to refuse."""
    items = value if isinstance(value, list) else [value]
    named = [item.get("aws_conn_id") for item in items if isinstance(item, dict)]
    return {name for name in named if isinstance(name, str)}


def _listed(key: str, value: Any) -> Any:
    return [value] if key == "feeds" and not isinstance(value, list) else value
