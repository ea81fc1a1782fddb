"""Clients of AWS services, of an Airflow connection; every client of this package is made here."""

from __future__ import annotations

import contextlib
import logging
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ses_bounces.base.aws.answers import refuse_strange_answers
from ses_bounces.base.aws.errors import explain, needs_a_person
from ses_bounces.base.aws.patience import PATIENCE_SECONDS, Patience
from ses_bounces.base.exceptions import AwsError, AwsRefusedError
from ses_bounces.base.settings import Settings

log = logging.getLogger(__name__)

# SES answers one management request a second, for each account and region (SES Developer Guide, quotas).
SES_SECONDS = 1.0


@dataclass(frozen=True)
class Place:
    """Where SES has a list of its own: an account, by the Airflow connection that leads to it, and a region.

    ``aws_conn_id`` None: boto3's default credentials. ``region`` None: the connection's.
    """

    aws_conn_id: str | None
    region: str | None


def places(settings: Settings) -> list[Place]:
    """Return where SES sends: the regions of ``ses_regions``, else those of the queues, of each account."""
    connections = list(dict.fromkeys(settings.queue_connection(queue) for queue in settings.queue_urls))
    if settings.ses_regions is not None:
        return [Place(conn_id, region) for conn_id in connections for region in settings.ses_regions]
    queues = ((settings.queue_connection(queue), queue.region) for queue in settings.queue_urls)
    return [Place(*place) for place in dict.fromkeys(queues)]


def open_client(
    service: str,
    place: Place,
    *,
    use_fips_endpoint: bool = False,
    threads: int = 1,
    read_seconds: float = 20,
    attempts: int = 4,
    patience: float | None = None,
) -> Any:
    """Return a boto3 client of a service, with the connection's own options and endpoint.

    Throttled and failed requests are repeated with growing pauses; see :mod:`ses_bounces.base.aws.patience`.

    :param threads: how many threads will use it at once.
    :param read_seconds: how long an answer is waited for.
    :param attempts: the fewest requests before an error is raised; 1: nothing is repeated.
    :param patience: for how many seconds a request that fails is repeated; None: the usual 30.
    :raises MissingConnectionError: when the Airflow connection is missing.
    :raises AwsError: when no client can be made of it.
    """
    from botocore.config import Config

    from ses_bounces.base.aws.hook import AwsHook

    own = Config(
        connect_timeout=min(5, read_seconds),
        read_timeout=read_seconds,
        max_pool_connections=2 * threads,
        retries={"mode": "standard", "total_max_attempts": attempts},
        **({"use_fips_endpoint": True} if use_fips_endpoint else {}),
    )
    hook = AwsHook(place.aws_conn_id, region_name=place.region, client_type=service)
    repeated = Patience(attempts, PATIENCE_SECONDS if patience is None else patience)
    hook.configure(own, repeated)
    with explained("opening a client", service):
        client = hook.get_client_type()
    repeated.register(client.meta.events, client.meta.service_model.service_id.hyphenize())
    refuse_cut_answers(client)
    refuse_old_tls(client)
    if service == "sqs":
        refuse_strange_answers(client)
    return client


def refuse_old_tls(client: Any) -> None:
    """Have a client speak TLS 1.2 or later.

    botocore leaves it to Python, and some builds of that, like Debian's, leave it to the machine's OpenSSL.
    """
    try:
        session = client._endpoint.http_session
        make, made = session._get_ssl_context, session._manager.connection_pool_kw["ssl_context"]
    except (AttributeError, KeyError):
        log.warning("This botocore connects in another way: whether TLS before 1.2 is spoken is up to the machine")
        return
    # That for connections without a proxy is there already; others are made when they are needed.
    session._get_ssl_context = lambda: _without_old_tls(make())
    _without_old_tls(made)


def _without_old_tls(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def refuse_cut_answers(client: Any) -> None:
    """Have a client raise ``ConnectionClosedError`` for an answer that ended too soon.

    Some versions of botocore read the part as an answer with nothing in it: an empty queue, an empty list.
    """
    client.meta.events.register("before-parse", partial(_refuse_cut_answer, client.meta.endpoint_url))


def _refuse_cut_answer(endpoint_url: str, operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    from botocore.exceptions import ConnectionClosedError

    length, body = response_dict["headers"].get("Content-Length"), response_dict["body"]
    # A body that is streamed is counted by who reads it; the answer to HEAD has none.
    is_whole = length is None or not isinstance(body, bytes) or len(body) >= int(length)
    if not is_whole and operation_model.http["method"] != "HEAD":
        raise ConnectionClosedError(endpoint_url=endpoint_url)


def account_of(place: Place, **options: Any) -> str:
    """Return the number of the account that a connection leads to; STS GetCallerIdentity needs no permission.

    :param options: of :func:`open_client`.
    """
    client = open_client("sts", place, **options)
    with explained("sts:GetCallerIdentity", place.aws_conn_id or "the default credentials"):
        account: str = client.get_caller_identity()["Account"]
    return account


class Pace:
    """Limits requests to one per interval."""

    def __init__(self, seconds: float = SES_SECONDS) -> None:
        self.seconds = seconds
        self._next = 0.0

    def wait(self) -> None:
        """Wait for the next request's turn."""
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Seconds until the next turn."""
        return max(0.0, self._next - time.monotonic())


@contextlib.contextmanager
def explained(action: str, what: str) -> Iterator[None]:
    """Turn an error of boto3 into one sentence that says what to do.

    :param action: the API operation, as IAM names it.
    :param what: the resource; never an address.
    :raises AwsRefusedError: when a retry would meet the same.
    :raises AwsError: for other errors.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        kind = AwsRefusedError if needs_a_person(error) else AwsError
        raise kind(explain(error, action, what)) from None
