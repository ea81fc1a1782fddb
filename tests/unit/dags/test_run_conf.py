"""What Airflow's form takes for a Param, the tasks take as well."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_bounces.base.settings import LOWERABLE, load
from ses_bounces.dags.hourly import _PARAMS

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"
WHOLE = {name: param for name, param in _PARAMS.items() if "integer" in param.schema.get("type", ())}


def test_these_are_all() -> None:
    """Who adds one beside the settings sees to it there."""
    assert set(WHOLE) == set(LOWERABLE)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("written", ["12", "12.0", "1.2e1"])
def test_a_whole_number_however_json_writes_it(name: str, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SES_BOUNCES", json.dumps({"queue_urls": URL, "max_drainers": 16}))
    # As the conf of a run by the API or the command line.
    taken: Any = WHOLE[name].resolve(json.loads(written))
    found = getattr(load({name: taken}), name)
    assert (found, type(found)) == (12, int)
