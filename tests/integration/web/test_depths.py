"""What the page says of the queues: asked once for all who look at once, and never waited for in a thread of Airflow's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from dev.aws import EmulatedAws, Feed, temporary_aws
from dev.silent import never_answering
from ses_bounces.base.settings import Settings, parse
from ses_bounces.feed.sqs import queue as sqs_queue
from ses_bounces.web import depths
from ses_bounces.web.depths import Seen, queue_depths

LONG_SECONDS = 60


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with temporary_aws() as started:
        yield started


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    depths._asked.clear()


def settings_of(*queues: object) -> Settings:
    return parse({"queue_urls": list(queues)})


def seen(settings: Settings, viewers: int) -> list[list[Seen]]:
    async def look() -> list[list[Seen]]:
        return await asyncio.gather(*(queue_depths(settings) for _ in range(viewers)))

    return asyncio.run(look())


def test_what_sqs_says_is_asked_once_and_kept_for_seconds(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", aws.connection_json())
    feed = Feed.create(aws, "-depths")
    asked: list[str] = []
    depth = sqs_queue.SqsQueue.depth

    def counted(self: sqs_queue.SqsQueue) -> sqs_queue.Depth:
        asked.append(self.url)
        return depth(self)

    monkeypatch.setattr(sqs_queue.SqsQueue, "depth", counted)
    settings = settings_of(feed.queue_url)
    aws.client("sqs").send_message(QueueUrl=feed.queue_url, MessageBody="one")
    said = seen(settings, 20)
    assert {(one.name, one.depth and one.depth.waiting, one.error) for [one] in said} == {
        (settings.queue_urls[0].name, 1, None)
    }
    assert all(one.dead and one.dead.waiting == 0 for [one] in said)
    # The queue, and its dead letters.
    assert len(asked) == 2
    monkeypatch.setattr(depths, "KEPT_SECONDS", 0.0)
    seen(settings, 1)
    assert len(asked) == 4


def test_an_sqs_that_says_nothing_is_asked_once_by_all_who_look(monkeypatch: pytest.MonkeyPatch) -> None:
    with never_answering() as port:
        extra = {"region_name": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{port}"}
        login = {"conn_type": "aws", "login": "none", "password": "none", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", json.dumps(login))
        settings = settings_of(f"http://127.0.0.1:{port}/000000000000/silent")
        began = time.monotonic()
        said = seen(settings, 50)
        assert all(one.depth is None for [one] in said)
        assert len({id(one.error) for [one] in said}) == 1
        assert "ReadTimeoutError" in str(said[0][0].error)
        # Asked again, and who looks meanwhile is told what was said before.
        monkeypatch.setattr(depths, "KEPT_SECONDS", 0.0)
        again = seen(settings, 50)
        assert [one.error for [one] in again].count(said[0][0].error) == 49
        assert time.monotonic() - began < LONG_SECONDS


def test_what_is_not_answered_in_time_is_said_of_its_queue_alone(
    aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depths, "PAGE_SECONDS", 1.0)
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", aws.connection_json())
    feed = Feed.create(aws, "-beside")
    # The client and its models are there: one second is enough for the queue that answers.
    seen(settings_of(feed.queue_url), 1)
    with never_answering() as port:
        extra = {"region_name": "eu-west-1", "endpoint_url": f"http://127.0.0.1:{port}"}
        login = {"conn_type": "aws", "login": "none", "password": "none", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SILENT", json.dumps(login))
        silent = f"http://127.0.0.1:{port}/000000000000/silent"
        settings = settings_of(feed.queue_url, {"url": silent, "aws_conn_id": "silent"})
        [[first, second]] = seen(settings, 1)
    assert first.depth is not None
    assert second.depth is None
    assert "is not answered for 1 seconds" in str(second.error)
