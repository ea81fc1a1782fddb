"""What `make run` feeds in: mail to SES's simulator, hand-written messages, and what must come of both."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from dev.aws import SENDER, Feed
from dev.handwritten import items
from dev.item import Expected, Item, Mail, simulator

GRACE = timedelta(days=14)
# Most messages in one SNS or SQS request.
BATCH = 10
# How many finished days get a report.
REPORTED_DAYS = 3
_EARLIER = "UPDATE ses_bounces.queue SET first_drained_at = least(first_drained_at, now() - %s)"


MAILS = (
    *(
        Mail(
            [simulator(f"bounce+{n}")],
            1,
            {simulator(f"bounce+{n}"): "permanent_bounce"},
        )
        for n in ("ann", "bo", "cy")
    ),
    # The key of an address is in lower case, however it is written.
    Mail([simulator("Bounce+Dora")], 1, {simulator("bounce+dora"): "permanent_bounce"}),
    *(Mail([simulator(f"complaint+{n}")], 2, {simulator(f"complaint+{n}"): "complaint"}) for n in ("eva", "finn")),
    Mail(
        [simulator("suppressionlist")],
        1,
        {simulator("suppressionlist"): "permanent_bounce"},
    ),
    Mail(
        [simulator("suppressionlist+gil")],
        1,
        {simulator("suppressionlist+gil"): "permanent_bounce"},
    ),
    *(Mail([simulator(f"success+{n}")], 1) for n in ("hal", "ida", "jon", "kim")),
    Mail([simulator("ooto+lena")], 1),
    # One mail to several: SES reports for each of them.
    Mail(
        [
            simulator("bounce+multi"),
            simulator("success+multi"),
            simulator("complaint+multi"),
        ],
        4,
        {
            simulator("bounce+multi"): "permanent_bounce",
            simulator("complaint+multi"): "complaint",
        },
    ),
)


def expected(now: datetime, topic_arn: str, checked_at: datetime) -> Expected:
    """What the sample that was sent at `now` must have led to at `checked_at`: by then transients may have expired."""
    everything = items(now, topic_arn)
    opened = {address: at for item in everything for address, at in item.opens.items()}
    expired = {address for address, at in opened.items() if at + GRACE <= checked_at}
    blocked = {pair for source in _sources(everything) for pair in source.blocks.items()}
    outcomes = Counter(item.outcome for item in everything)
    outcomes["applied"] += sum(mail.messages for mail in MAILS)
    return Expected(
        blocked=frozenset(blocked | {(address, "expired_transient") for address in expired}),
        transient=frozenset(opened.keys() - expired),
        outcomes=dict(outcomes),
    )


def addresses() -> set[str]:
    """The key of every address that the sample blocks or puts on the bounce list."""
    everything = items(datetime.now(UTC), "")
    blocked = {address for source in _sources(everything) for address in source.blocks}
    return blocked | {address for item in everything for address in item.opens}


def send(feed: Feed) -> datetime:
    """Sends the whole sample and returns the time (whole seconds, UTC) that the hand-written part is dated by."""
    ses, sns = feed.aws.client("ses"), feed.aws.client("sns")
    text = {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}}
    for mail in MAILS:
        ses.send_email(Source=SENDER, Destination={"ToAddresses": list(mail.to)}, Message=text)
    # The emulator's SNS dates by whole seconds: in a later one, the answer to a mail is later than its delivery.
    time.sleep(1 - time.time() % 1)
    now = datetime.now(UTC).replace(microsecond=0)
    everything = items(now, feed.topic_arn)
    published = [item.body for item in everything if item.way == "sns"]
    for start in range(0, len(published), BATCH):
        batch = enumerate(published[start : start + BATCH])
        sns.publish_batch(
            TopicArn=feed.topic_arn,
            PublishBatchRequestEntries=[{"Id": str(number), "Message": body} for number, body in batch],
        )
    feed.send_bodies([item.body for item in everything if item.way == "queue"])
    feed.send_bodies(
        [item.body for item in everything if item.way == "dead_letter_queue"],
        feed.dead_letter_queue_url,
    )
    return now


def note_earlier_drains(url: str) -> None:
    """Notes in the database at a libpq URI that the queues were first drained some days ago.

    The days since then are reported by the next run, as of their ends.
    """
    with psycopg.connect(url) as connection:
        connection.execute(_EARLIER, [timedelta(days=REPORTED_DAYS)])


def _sources(everything: Sequence[Item]) -> list[Item | Mail]:
    return [*MAILS, *everything]
