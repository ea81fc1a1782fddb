"""A server in SQS's place that answers what a test gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config

from ses_bounces.base.aws.answers import refuse_strange_answers
from ses_bounces.base.aws.clients import refuse_cut_answers
from ses_bounces.feed.sqs.direct import DirectCalls
from ses_bounces.feed.sqs.queue import SqsQueue

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-bounces-queue"
OF_SQS = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "00000000-0000-4000-8000-000000000001"}
# Status and content; None: the connection is closed within the answer.
Answer = tuple[int, bytes] | None


def refusal(status: int, code: str) -> Answer:
    """What SQS answers where it refuses; its message names somebody."""
    return status, json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "of someone@example.com"}).encode()


@dataclass
class Server:
    """Answers requests with what it was given, in this order."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: dict(OF_SQS))
    # By botocore's client, or directly; and what was sent.
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    @property
    def ways(self) -> list[str]:
        """In which way each request came."""
        return [way for way, _ in self.seen]

    def client(self, attempts: int = 2, **options: Any) -> Any:
        """A client as the package makes it."""
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=2)
        keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"} | options
        endpoint = f"http://127.0.0.1:{self.port}"
        client = boto3.client("sqs", region_name="eu-west-1", endpoint_url=endpoint, config=config, **keys)
        refuse_cut_answers(client)
        refuse_strange_answers(client)
        return client

    def queue(self, *, is_direct: bool = True, **options: Any) -> SqsQueue:
        """The queue, read directly or by the client alone."""
        client = self.client(**options)
        return SqsQueue(client, URL, DirectCalls.of(client) if is_direct else None)


@contextmanager
def serving() -> Iterator[Server]:
    """Serve on the loopback interface."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            way = "client" if "amz-sdk-invocation-id" in self.headers else "direct"
            state.seen.append((way, {"target": self.headers["X-Amz-Target"], **body}))
            state.authorizations.append(self.headers["Authorization"])
            answer = state.answers.pop(0)
            status, content = answer or (200, b'{"Messages": [{"MessageId": "m1", "Body": "cut"}]}')
            self.send_response(status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if answer else content[:20])
            self.close_connection = answer is None

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    state.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()
