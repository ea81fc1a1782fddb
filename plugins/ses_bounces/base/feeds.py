"""Queues to drain, and feeds to set up, as the settings name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ses_bounces.base.regions import is_host_of_aws, region_of


class Queue(BaseModel):
    """One SQS queue to drain: its URL, and the Airflow connection to use where it is another account's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    aws_conn_id: str | None = None

    @property
    def region(self) -> str | None:
        """The region that the URL names; None for an endpoint that names none (the connection's region is used)."""
        return region_of(urlsplit(self.url).hostname or "")

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.url.rstrip("/").rpartition("/")[2]


class Feed(BaseModel):
    """What the DAG ``ses_bounces_setup`` makes or repairs for one identity, a domain or a FROM address.

    A name that is None is the site's own: ``ses-bounces-topic`` and so on. ``aws_conn_id`` None: that of the settings.
    The rest is as in :class:`ses_bounces.feed.setup.options.Options`, which checks the names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identity: str
    region: str | None = None
    aws_conn_id: str | None = None
    topic: str | None = None
    queue: str | None = None
    dead_letter_queue: str | None = None
    configuration_set: str | None = None
    kms_key: str | None = None
    deliveries: Annotated[bool, Field(strict=True)] = True
    keep_forwarding: Annotated[bool, Field(strict=True)] = False


def _queue(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _feed(value: Any) -> Any:
    return {"identity": value} if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str | Mapping) else value


def _queue_url(queue: Queue) -> Queue:
    parts = urlsplit(queue.url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.count("/") < 1 or not queue.name:
        raise ValueError(
            "it must be the URL of an SQS queue, like https://sqs.eu-west-1.amazonaws.com/123456789012/name"
        )
    if queue.region is None and is_host_of_aws(parts.hostname or ""):
        raise ValueError(f"it must name a region that the installed botocore knows; {parts.hostname} names none")
    if queue.name.endswith(".fifo"):
        raise ValueError("it must be a standard queue: SES can't publish to FIFO topics")
    return queue


Queues = Annotated[
    tuple[Annotated[Queue, BeforeValidator(_queue), AfterValidator(_queue_url)], ...], BeforeValidator(_one_or_more)
]
"""Queues, of which a single one may be written without a list, and one without a connection as its URL."""

Feeds = Annotated[tuple[Annotated[Feed, BeforeValidator(_feed)], ...], BeforeValidator(_one_or_more)]
"""Feeds; one whose names are the site's own may be written as its identity."""
