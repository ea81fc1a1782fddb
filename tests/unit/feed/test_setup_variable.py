"""The settings that go with a feed: what is added to them, and what of that a log may show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import Site
from ses_bounces.feed.setup.variable import lines_to_add, offer, with_feed

ONE, TWO = (f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}" for name in ("one", "two"))
TOPIC, OTHER = (f"arn:aws:sns:eu-west-1:123456789012:{name}" for name in ("topic", "other"))
OURS = "ses_bounces_aws"
FIRST = {"queue_urls": [ONE], "allowed_topic_arns": [TOPIC]}


@pytest.mark.parametrize(
    ("before", "conn_id", "after"),
    [
        (None, OURS, FIRST),
        ({"feeds": ["example.com"]}, OURS, {"feeds": ["example.com"], **FIRST}),
        (None, "setup", {**FIRST, "aws_conn_id": "setup"}),
        (None, None, {**FIRST, "aws_conn_id": None}),
        # Chosen before: it stays, and the queue names its own.
        (
            {"aws_conn_id": "mine"},
            "setup",
            {"aws_conn_id": "mine", **FIRST, "queue_urls": [{"url": ONE, "aws_conn_id": "setup"}]},
        ),
        ({"queue_urls": ONE}, OURS, {"queue_urls": [ONE]}),
        ({"queue_urls": [TWO]}, OURS, {"queue_urls": [TWO, ONE]}),
        ({"queue_urls": [TWO]}, "us", {"queue_urls": [TWO, {"url": ONE, "aws_conn_id": "us"}]}),
        ({"queue_urls": [{"url": ONE}]}, "us", {"queue_urls": [{"url": ONE}]}),
        (
            {"queue_urls": [TWO], "allowed_topic_arns": [OTHER]},
            OURS,
            {"queue_urls": [TWO, ONE], "allowed_topic_arns": [OTHER, TOPIC]},
        ),
    ],
)
def test_a_feed_is_added(before: dict[str, Any] | None, conn_id: str | None, after: dict[str, Any]) -> None:
    text = None if before is None else json.dumps(before)
    whole = with_feed(text, ONE, TOPIC, conn_id)
    assert json.loads(whole) == after
    assert with_feed(whole, ONE, TOPIC, conn_id) == whole
    assert lines_to_add(whole, whole) == []


def test_the_lines_are_what_is_added_and_no_more() -> None:
    private = {"never_block": ["jane@example.com"], "report_email_to": ["boss@example.com"], "enforce": False}
    before = json.dumps({"queue_urls": TWO, "allowed_topic_arns": [OTHER], **private})
    assert lines_to_add(before, with_feed(before, ONE, TOPIC, "us")) == [
        f'    "queue_urls": {{"url": "{ONE}", "aws_conn_id": "us"}}',
        f'    "allowed_topic_arns": "{TOPIC}"',
    ]
    assert lines_to_add(None, with_feed(None, ONE, TOPIC, None)) == [
        '    "aws_conn_id": null',
        f'    "queue_urls": "{ONE}"',
        f'    "allowed_topic_arns": "{TOPIC}"',
    ]


def test_an_empty_list_of_topics_is_offered_to_be_filled() -> None:
    assert offer(json.dumps(FIRST), TOPIC) == []
    [said] = offer(json.dumps({"queue_urls": [ONE]}), TOPIC)
    assert said.startswith('"allowed_topic_arns" is empty: messages of any topic count.')
    assert TOPIC in said


def test_a_connection_that_is_pinned_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__AWS_CONN_ID", "pinned")
    assert json.loads(with_feed(None, ONE, TOPIC, "pinned")) == FIRST
    assert json.loads(with_feed(None, ONE, TOPIC, "us")) == FIRST


def test_a_site_needs_no_connection_of_its_own_name() -> None:
    with Site("news").current():
        assert json.loads(with_feed(None, ONE, TOPIC, "ses_bounces_news_aws")) == FIRST


def test_settings_that_are_not_good_are_left_alone() -> None:
    with pytest.raises(SettingsError, match="enforce is 1"):
        with_feed('{"enforce": 1}', ONE, TOPIC, OURS)
