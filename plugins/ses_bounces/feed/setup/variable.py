"""The settings that go with a feed."""

from __future__ import annotations

import json
from typing import Any

from ses_bounces.base.pinned import pinned
from ses_bounces.base.settings import SettingsForSetup, parse
from ses_bounces.base.sites import current


def with_feed(text: str | None, queue_url: str, topic_arn: str, aws_conn_id: str | None) -> str:
    """Return the settings' JSON text with a feed added; everything else in it stays.

    :param text: what Airflow Variable ``ses_bounces`` has; None: nothing yet.
    :raises SettingsError: the settings that are there are not good, or would not be.
    """
    settings: dict[str, Any] = {}
    if text is not None:
        parse(text, model=SettingsForSetup)
        settings = json.loads(text)
    is_first = not settings.get("queue_urls")
    usual, is_pinned = parse(settings, model=SettingsForSetup).aws_conn_id, "aws_conn_id" in pinned()
    if is_first and aws_conn_id != usual and not is_pinned and "aws_conn_id" not in settings:
        settings["aws_conn_id"] = usual = aws_conn_id
    queues = settings.get("queue_urls", [])
    queues = queues if isinstance(queues, list) else [queues]
    if queue_url not in [queue if isinstance(queue, str) else queue["url"] for queue in queues]:
        # What is pinned reads every queue, whatever was set up with.
        shared = is_pinned or aws_conn_id in (usual, None)
        queues.append(queue_url if shared else {"url": queue_url, "aws_conn_id": aws_conn_id})
    settings["queue_urls"] = queues
    # An empty list lets every topic count; a list that names some must name this one.
    allowed = settings.get("allowed_topic_arns", [])
    if (is_first or allowed) and topic_arn not in allowed:
        settings["allowed_topic_arns"] = [*allowed, topic_arn]
    whole = json.dumps(settings, indent=2)
    parse(whole)
    return whole


def lines_to_add(before: str | None, after: str) -> list[str]:
    """Return the settings to add or change, a line for each value.

    Nothing else of them is shown: they hold addresses.

    :param before: what is there; None: nothing yet.
    :param after: what :func:`with_feed` made of it.
    """
    old, new = json.loads(before or "{}"), json.loads(after)
    found: list[tuple[str, Any]] = []
    if "aws_conn_id" in new and new["aws_conn_id"] != old.get("aws_conn_id", current().aws_conn_id):
        found.append(("aws_conn_id", new["aws_conn_id"]))
    for key in ("queue_urls", "allowed_topic_arns"):
        was = old.get(key, [])
        was = was if isinstance(was, list) else [was]
        found += [(key, value) for value in new.get(key, []) if value not in was]
    return [f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in found]


def offer(text: str, topic_arn: str) -> list[str]:
    """Return the advice to let only messages of known topics count, where the settings let those of any topic."""
    if json.loads(text).get("allowed_topic_arns"):
        return []
    return [
        '"allowed_topic_arns" is empty: messages of any topic count. To let only those of known topics count, put the '
        f"topics of all queues there; this feed's is {json.dumps(topic_arn)}."
    ]
