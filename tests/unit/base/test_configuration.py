"""Options of Airflow's configuration that are about the whole installation."""

from __future__ import annotations

import pytest

from ses_bounces.base.configuration import direct_requests
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import Site

VARIABLE = "AIRFLOW__SES_BOUNCES__DIRECT_REQUESTS"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True), ("True", True), ("true", True), (" t ", True), ("1", True), ("True # as by default", True),
        ("False", False), ("FALSE", False), ("f", False), ("0", False), ("False  # for the tracer", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("site", [Site(), Site("news")])
def test_direct_requests_is_true_or_false_as_airflow_writes_them(
    monkeypatch: pytest.MonkeyPatch, site: Site, text: str | None, expected: bool
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if text is not None:
        monkeypatch.setenv(VARIABLE, text)
    with site.current():
        assert direct_requests() is expected


@pytest.mark.parametrize("text", ["", "no", "off", "none", "2", "#", "False, True"])
def test_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(SettingsError) as raised:
        direct_requests()
    assert str(raised.value) == (
        f'direct_requests is "{text}"; it must be True or False. Change [ses_bounces] direct_requests in airflow.cfg, '
        "or AIRFLOW__SES_BOUNCES__DIRECT_REQUESTS, for all components."
    )
