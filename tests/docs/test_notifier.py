"""The notifier that docs/install.md proposes sends its mail, also where the mail server's connection names no sender."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from airflow.sdk import DAG

import ses_bounces.dags
from tests.docs.blocks import ROOT, blocks
from tests.kit.mailbox import smtp_server

CONNECTION = "AIRFLOW_CONN_SMTP_DEFAULT"


def test_the_notifier_of_the_example_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = [b for b in blocks("python") if b.page == ROOT / "docs/install.md" and "on_failure_callback" in b.text]
    given: dict[str, Any] = {}
    monkeypatch.setattr(ses_bounces.dags, "build_dags", lambda *_names, **options: given.update(options))
    with smtp_server(monkeypatch) as mailbox:
        connection = json.loads(os.environ[CONNECTION])
        del connection["extra"]["from_email"]
        monkeypatch.setenv(CONNECTION, json.dumps(connection))
        exec(compile(example.text, example.where, "exec"), {})
        [notifier] = given["on_failure_callback"]
        # The least that Airflow's DAG processor gives to a callback of a DAG.
        notifier({"dag": DAG("ses_bounces"), "run_id": "scheduled__1", "reason": "task_failure"})
    [mail] = mailbox.mails
    assert mailbox.recipients == [["oncall@example.com"]]
    assert (mail["From"], mail["Subject"]) == ("airflow@example.com", "ses_bounces failed")
    body = mail.get_body(("html",))
    assert body is not None
    assert "Run scheduled__1 of ses_bounces failed: task_failure." in body.get_content()
