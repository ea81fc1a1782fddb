"""Does one address with a huge history hold up the chunk that it is in?

A chunk is what ``classify_bounces`` settles in one transaction. The ordinary one has as many addresses as messages; the
others have one more bounce of the hot address among them, or nothing but bounces of it.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.hour import Hour
from benchmarks.measure import Cost
from benchmarks.server import ServerWatch, migrated, one
from benchmarks.showing import add_costs, comparison
from dev.generate import bodies
from ses_bounces.base.database.connection import connect_url
from ses_bounces.classify.rules import Rules
from ses_bounces.ledger.pending import MESSAGES_PER_CHUNK, classify_pending

if TYPE_CHECKING:
    from rich.table import Table

    from dev.postgres import EmbeddedPostgres

AIM = "≤ 2"
ROUNDS = 3
HOT = "hot@example.com"
_ADDRESS = "INSERT INTO ses_bounces.address (address, address_as_reported) VALUES (%s, %s) RETURNING address_id"
_TRANSIENTS = """
INSERT INTO ses_bounces.address_event (
    address_id, kind, occurred_at, dedup_key, actor, deadline, policy, mail_sent_at, feedback_id, bounce_type,
    bounce_sub_type, rules_version
)
SELECT %s, 'transient_bounce', x.at, decode(md5('hot' || n), 'hex'), 'ses', x.at + interval '14 days', 'age', x.at,
    'hot-' || n, 'Transient', 'MailboxFull', 1
FROM generate_series(1, %s::bigint) n
CROSS JOIN LATERAL (SELECT now() - make_interval(secs => n * 10 * 86400.0 / %s)) x(at)
"""


def table(transients: int, messages: int = MESSAGES_PER_CHUNK) -> Table:
    """Measure a chunk without the hot address, one with it, and one of it alone."""
    shown = comparison(f"One address with {transients:,} transients: a chunk of {messages:,}", "ordinary chunk")
    with migrated() as (postgres, url):
        hour = Hour(url)
        began = time.perf_counter()
        with connect_url(url) as connection:
            hot = one(connection, _ADDRESS, HOT, HOT)
            connection.execute(_TRANSIENTS, [hot, transients, transients])
            connection.execute("VACUUM ANALYZE")
        seeded = time.perf_counter() - began
        # The first one brings the hot address into the lists, and is not counted.
        _classify(hour, postgres, _with_hot(messages, 0, 1))
        costs: dict[int, list[Cost]] = {0: [], 1: [], messages: []}
        for seed, count in itertools.product(range(1, ROUNDS + 1), costs):
            costs[count].append(_classify(hour, postgres, _with_hot(messages, 10 * seed + bool(count), count)))
        least = {count: min(found, key=lambda cost: cost.wall) for count, found in costs.items()}
    add_costs(shown, "one message is of it", least[1], least[0], AIM)
    add_costs(shown, "every message is of it", least[messages], least[0], AIM)
    shown.caption = f"Seeded in {seeded:.0f} s. The quickest of {ROUNDS} of each, in turn."
    return shown


def _with_hot(messages: int, seed: int, hot: int) -> Iterator[str]:
    """Yield messages, the first of which are transient bounces of the hot address, a second apart."""
    for number, text in enumerate(bodies(messages, seed)):
        if number < messages - hot:
            # Other people in every chunk.
            yield text.replace("person", f"person{seed}.").replace("0102019a-", f"0102019a-{seed}-")
            continue
        envelope = json.loads(text)
        event = json.loads(envelope["Message"])
        content = event.get("bounce") or {"timestamp": event["complaint"]["timestamp"]}
        recipients = [{"emailAddress": HOT}]
        content |= {"feedbackId": f"hot-{seed}-{number}", "bounceType": "Transient", "bounceSubType": "MailboxFull"}
        event = {
            "notificationType": "Bounce",
            "bounce": content | {"bouncedRecipients": recipients},
            "mail": event["mail"],
        }
        yield json.dumps(envelope | {"Message": json.dumps(event)})


def _classify(hour: Hour, postgres: EmbeddedPostgres, texts: Iterator[str]) -> Cost:
    landed = hour.land(texts)
    with connect_url(hour.url) as connection:
        connection.execute("CHECKPOINT")
        watch = ServerWatch(postgres)
        done = classify_pending(connection, Rules())
        cost = watch.cost()
    assert done.outcomes == {"applied": landed}
    return cost
