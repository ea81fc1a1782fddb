"""The form of the settings: switches, what is wrong at its field, what differs from the default, what it would do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup

from ses_bounces.actions.setting_effects import effects
from ses_bounces.base.settings import parse
from ses_bounces.web.setting_form import Stored
from tests.integration.web.test_settings_people import SETTINGS, client, editor, people, viewer

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from ses_bounces.base.database.connection import Connection

__all__ = ["client", "editor", "people", "viewer"]


def fields_of(client: TestClient) -> dict[str, Any]:
    """The fields of the form that a person sees, by name."""
    page = BeautifulSoup(client.get("/settings").text, "html.parser")
    return {str(field["name"]): field for field in page.select(".setting [name]:not([type=hidden])")}


def sent_by(page: BeautifulSoup) -> dict[str, list[str]]:
    """What a browser sends of the settings' form: all but what is disabled or not ticked."""
    sent: dict[str, list[str]] = {}
    for field in page.select("form.settings [name]:not([disabled])"):
        if field.get("type") == "checkbox" and not field.has_attr("checked"):
            continue
        chosen = field.select_one("option[selected]") if field.name == "select" else field
        value = "" if chosen is None else chosen.get("value", chosen.get_text().removeprefix("\n"))
        sent.setdefault(str(field["name"]), []).append(str(value))
    return sent


def form_of(client: TestClient) -> dict[str, list[str]]:
    """The settings' form as it is sent without a change."""
    return sent_by(BeautifulSoup(client.get("/settings").text, "html.parser"))


def saved_by(client: TestClient, form: dict[str, Any]) -> dict[str, Any]:
    """The settings that the preview of a form would save."""
    answer = client.post("/settings/preview", data=form)
    assert answer.status_code == 200, answer.text
    hidden = BeautifulSoup(answer.text, "html.parser").select_one("[name=settings]")
    assert hidden is not None, answer.text
    found: dict[str, Any] = json.loads(hidden.get_text())
    return found


def test_what_is_pinned_is_shown_so_and_can_not_be_changed(
    editor: TestClient, people: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any(field.has_attr("disabled") for field in fields_of(editor).values())
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__PEOPLE_FLAG_COLUMN", "may_login")
    fields = fields_of(editor)
    assert {name for name, field in fields.items() if field.has_attr("disabled")} == {"people_flag_column"}
    assert fields["people_flag_column"]["value"] == "may_login"
    assert "Pinned by [ses_bounces] people_flag_column in airflow.cfg" in editor.get("/settings").text
    form = form_of(editor) | {"report_days_kept": ["10"]}
    assert "people_flag_column" not in form
    assert saved_by(editor, form) == SETTINGS | {"report_days_kept": 10}
    for path, more in (
        ("preview", {"people_flag_column": "allow_group_email"}),
        ("done", {"settings": json.dumps(SETTINGS | {"people_flag_column": "allow_group_email"}), "reason": "mine"}),
    ):
        refused = editor.post(f"/settings/{path}", data=form | more)
        assert refused.status_code == 400, path
        assert "people_flag_column can&#39;t be set to anything else" in refused.text, path


def test_a_switch_says_both_on_and_off(editor: TestClient, people: Connection) -> None:
    form = form_of(editor)
    assert form["enforce"] == ["false", "true"]
    assert form["push_to_ses"] == ["false"]
    assert saved_by(editor, form | {"report_days_kept": ["10"], "push_to_ses": ["false", "true"]}) == SETTINGS | {
        "report_days_kept": 10, "push_to_ses": True,
    }  # fmt: skip
    assert saved_by(editor, form | {"enforce": ["false"]}) == SETTINGS | {"enforce": False}


def test_a_switch_that_is_neither_on_nor_off_is_not_made_one(
    editor: TestClient, people: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SETTINGS | {"enforce": "maybe"}
    monkeypatch.setattr("ses_bounces.web.routes.settings.stored", lambda: Stored(json.dumps(wrong), False))
    assert fields_of(editor)["enforce"]["value"] == "maybe"
    answer = editor.post("/settings/preview", data=form_of(editor))
    assert answer.status_code == 400
    assert faults_of(answer.text) == {"enforce": 'enforce is "maybe"; it must be true or false.'}


def faults_of(text: str) -> dict[str, str]:
    """What the page says is wrong, by field, without where it is changed."""
    page = BeautifulSoup(text, "html.parser")
    found = {}
    for field in page.select("[aria-invalid=true]"):
        said = [page.select_one(f"#{id_}") for id_ in str(field["aria-describedby"]).split()]
        assert said[0] is not None
        found[str(field["name"])] = said[0].get_text().partition(" Change it in")[0]
    return found


def test_what_is_wrong_stands_on_top_and_at_its_field(editor: TestClient, people: Connection) -> None:
    form = form_of(editor) | {"transient_grace_days": ["45"], "report_timezone": ["Mars/Base"]}
    answer = editor.post("/settings/preview", data=form)
    assert answer.status_code == 400
    assert faults_of(answer.text) == {
        "transient_grace_days": "transient_grace_days is 45; it must be a whole number from 0 to 30.",
        "report_timezone": 'report_timezone is "Mars/Base"; it must be a time zone of the IANA database, like '
        "Europe/Berlin.",
    }
    alert = BeautifulSoup(answer.text, "html.parser").select_one("[role=alert]")
    assert alert is not None
    assert [link["href"] for link in alert.select("a")] == ["#report_timezone", "#transient_grace_days"]
    # What was typed is still there.
    assert sent_by(BeautifulSoup(answer.text, "html.parser"))["transient_grace_days"] == ["45"]


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"people_table": "public.nobody"}, "people_table", "there is no such table in this database"),
        ({"people_id_column": "nothing"}, "people_id_column", "public.people has no such column"),
        ({"people_flag_column": "salary"}, "people_flag_column", "it is integer and must be boolean"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_not_taken(
    editor: TestClient, people: Connection, changes: dict[str, str], key: str, message: str
) -> None:
    form = form_of(editor)
    answer = editor.post("/settings/preview", data=form | {name: [value] for name, value in changes.items()})
    assert answer.status_code == 400
    found = faults_of(answer.text)
    assert list(found) == [key]
    assert message in found[key]


def test_what_is_wrong_with_people_stops_no_other_change(
    editor: TestClient, people: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SETTINGS | {"people_table": "public.nobody"}
    monkeypatch.setattr("ses_bounces.web.routes.settings.stored", lambda: Stored(json.dumps(wrong), False))
    assert list(faults_of(editor.get("/settings").text)) == ["people_table"]
    assert saved_by(editor, form_of(editor) | {"enforce": ["false"]}) == wrong | {"enforce": False}


def test_what_is_not_as_by_default_is_marked(
    editor: TestClient, client: TestClient, people: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = SETTINGS | {"transient_grace_days": 3, "enforce": True, "never_block": ["@example.net"]}
    monkeypatch.setattr("ses_bounces.web.routes.settings.stored", lambda: Stored(json.dumps(values), False))
    page = BeautifulSoup(editor.get("/settings").text, "html.parser")
    marked = {str(badge.parent.parent["for"]): badge["title"] for badge in page.select(".setting label .badge")}  # type: ignore[union-attr]
    assert marked == {
        "people_table": "Default: empty", "transient_grace_days": "Default: 14", "never_block": "Default: empty",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"raw_retention_days": 30}, "Received messages older than 30 days are deleted with the next run."),
        ({"raw_retention_days": 0}, {"raw_retention_days": 90}, "Received messages older than 90 days are deleted"),
        ({}, {"raw_retention_days": 0}, None),
        ({}, {"raw_retention_days": 91}, None),
        ({}, {"report_days_kept": 1}, "Reports older than 1 day are deleted from the database"),
        ({}, {"report_days_kept": 400}, None),
        ({}, {"report_retention_days": 5}, "Report files older than 5 days are deleted under report_url"),
        ({"report_retention_days": 5}, {"report_retention_days": 6}, None),
        ({}, {"push_to_ses": True}, "begins to put whom we block for good on SES's suppression lists"),
        ({}, {"verify_signatures": True}, "messages that SNS has not signed are quarantined"),
        ({}, {"allowed_topic_arns": ["arn:aws:sns:eu-west-1:123456789012:mail"]}, "only messages of 1 topic count"),
        ({"allowed_topic_arns": ["arn:aws:sns:eu-west-1:123456789012:mail"]}, {}, "Messages of any topic count"),
        ({}, {"report_send_addresses": True}, "Addresses leave the database"),
        ({}, {"report_email_to": ["ops@example.com"]}, "The next finished day's report goes by e-mail to 1 address."),
    ],
)
def test_what_a_change_deletes_or_sends_is_said(
    database: Connection, before: dict[str, Any], after: dict[str, Any], said: str | None
) -> None:
    base = {"queue_urls": SETTINGS["queue_urls"]}
    found = effects(database, parse(base | before), parse(base | after))
    assert len(found) == (said is not None)
    assert all(said in text for text in found if said)
    # What stays says nothing.
    assert effects(database, parse(base | after), parse(base | after)) == []
