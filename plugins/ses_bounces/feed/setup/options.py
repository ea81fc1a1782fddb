"""What to set up: names, and the clients to do it with."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from ses_bounces.base.aws.clients import Place, account_of, open_client
from ses_bounces.base.exceptions import SetupError

RETENTION_SECONDS = 1_209_600
MAX_RECEIVE_COUNT = 1_000
LONG_POLLING_SECONDS = 20

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_IDENTITY = re.compile(r"(?:[^@\s]{1,64}@)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_TOPIC_ARN = re.compile(r"arn:(?P<partition>[\w-]+):sns:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w.-]+)")


@dataclass(frozen=True)
class Options:
    """What to set up.

    ``identity``: a domain, or a FROM address. ``topic``: a name, or the ARN of one that is there. ``deliveries``: also
    report deliveries, which end transient problems. ``configuration_set``: report by an event destination of this set
    instead of the identity's notifications. ``kms_key``: a customer's key for topic and queues instead of SQS's own
    encryption. ``keep_forwarding``: leave SES's forwarding of feedback by e-mail on. ``discard_messages``: take down a
    queue that still holds messages. ``even_in_use``: take down an identity or configuration set that mail is sent with.
    """

    identity: str
    region: str | None = None
    aws_conn_id: str | None = "ses_bounces_aws"
    topic: str = "ses-bounces-topic"
    queue: str = "ses-bounces-queue"
    dead_letter_queue: str = "ses-bounces-dead-letter-queue"
    deliveries: bool = True
    configuration_set: str | None = None
    kms_key: str | None = None
    keep_forwarding: bool = False
    discard_messages: bool = False
    even_in_use: bool = False
    use_fips_endpoint: bool = False

    @property
    def types(self) -> tuple[str, ...]:
        """What SES is to report."""
        return ("Bounce", "Complaint", *(("Delivery",) if self.deliveries else ()))


@dataclass(frozen=True)
class Target:
    """The account and region to set up in, with a client of each service, and the options with all names resolved."""

    options: Options
    sesv2: Any
    ses: Any
    sns: Any
    sqs: Any
    account: str
    region: str
    partition: str

    def kms(self) -> Any:
        """A client of KMS; needed only where a key is named."""
        options = self.options
        place = Place(options.aws_conn_id, self.region)
        return open_client("kms", place, use_fips_endpoint=options.use_fips_endpoint)

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic, whether it is there or not."""
        topic = self.options.topic
        return topic if topic.startswith("arn:") else f"arn:{self.partition}:sns:{self.region}:{self.account}:{topic}"

    def queue_arn(self, name: str) -> str:
        """The ARN of a queue, whether it is there or not."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{name}"


def check(options: Options) -> None:
    """Check names, before AWS is asked.

    :raises SetupError: naming the option, its value, and what it must be.
    """
    if not options.identity:
        raise SetupError("identity is missing; give the domain that you send from, or a FROM address.")
    if not _IDENTITY.fullmatch(options.identity):
        raise SetupError(f"identity is {options.identity!r}; it must be a domain, or a FROM address.")
    for key in ("topic", "queue", "dead_letter_queue"):
        value = getattr(options, key)
        if value.endswith(".fifo"):
            raise SetupError(f"{key} is {value!r}; it must be a standard one: SES can't publish to FIFO topics.")
        if not _NAME.fullmatch(value) and not (key == "topic" and _TOPIC_ARN.fullmatch(value)):
            raise SetupError(f"{key} is {value!r}; it must be a name of letters, digits, - and _ (at most 80).")
    if options.queue == options.dead_letter_queue:
        raise SetupError(f"dead_letter_queue is {options.queue!r}, like queue; it must be another one.")


def open_target(options: Options) -> Target:
    """Open the clients, and tell which account they lead to.

    :raises SetupError: a bad name, or a region in which SES is not.
    :raises AwsRefusedError: credentials that AWS doesn't take.
    """
    import boto3

    check(options)
    session = boto3.Session()
    if options.region:
        known = [
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("ses", partition)
        ]
        if options.region not in known:
            near = difflib.get_close_matches(options.region, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise SetupError(f"region is {options.region!r}; SES is in none of that name.{hint}")
    place = Place(options.aws_conn_id, options.region)
    fips = options.use_fips_endpoint
    clients = {name: open_client(name, place, use_fips_endpoint=fips) for name in ("sesv2", "ses", "sns", "sqs")}
    region = clients["sqs"].meta.region_name
    target = Target(
        options,
        **clients,
        account=account_of(place, use_fips_endpoint=fips),
        region=region,
        partition=session.get_partition_for_region(region),
    )
    _check_topic(target)
    return target


def _check_topic(target: Target) -> None:
    named = _TOPIC_ARN.fullmatch(target.topic_arn)
    assert named is not None
    if named["region"] != target.region:
        raise SetupError(
            f"topic is in region {named['region']}, and SES is asked in {target.region}: SES publishes to topics of "
            f"its own region only. Set region to {named['region']}, or name another topic."
        )
    if named["account"] != target.account:
        raise SetupError(
            f"topic belongs to account {named['account']}, and the connection leads to {target.account}: it is not "
            "ours and is left alone. Name a topic of this account, or use a connection of that one."
        )
