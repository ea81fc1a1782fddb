"""The settings that go with a feed."""

from __future__ import annotations

import json
from typing import Any

from ses_bounces.base.settings import parse
from ses_bounces.base.sites import current


def with_feed(text: str | None, queue_url: str, topic_arn: str, aws_conn_id: str | None) -> str:
    """Return the settings' JSON text with a feed added; everything else in it stays.

    :param text: what Airflow Variable ``ses_bounces`` has; None: nothing yet.
    :raises SettingsError: the settings that are there are not good, or would not be.
    """
    default = current().aws_conn_id
    settings: dict[str, Any] = {"queue_urls": [], "allowed_topic_arns": []}
    if text is not None:
        parse(text)
        settings = json.loads(text)
    elif aws_conn_id != default:
        settings["aws_conn_id"] = aws_conn_id
    queues = settings["queue_urls"]
    queues = queues if isinstance(queues, list) else [queues]
    if queue_url not in [queue if isinstance(queue, str) else queue["url"] for queue in queues]:
        shared = settings.get("aws_conn_id", default) == aws_conn_id or aws_conn_id is None
        queues.append(queue_url if shared else {"url": queue_url, "aws_conn_id": aws_conn_id})
    settings["queue_urls"] = queues
    # An empty list lets every topic count; a list that names some must name this one.
    allowed = settings.get("allowed_topic_arns", [])
    if (text is None or allowed) and topic_arn not in allowed:
        settings["allowed_topic_arns"] = [*allowed, topic_arn]
    whole = json.dumps(settings, indent=2)
    parse(whole)
    return whole
