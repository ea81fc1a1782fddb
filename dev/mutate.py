"""Tries classification with mutated messages: `python -m dev.mutate --count 1000000 --seed 1`.

Nothing may raise, nothing may take more than 50 ms of CPU time, and no entry may be about an address that the body's
own bounce, complaint or delivery does not name. What does is printed, with the number that makes the same body again.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev import notifications as make
from ses_bounces.classify import classify_body
from ses_bounces.classify.address import address_key, split_addresses
from ses_bounces.classify.entry import Classification, Entry
from ses_bounces.classify.rules import Rules
from ses_bounces.classify.unwrapping import clean

MOST_BYTES = 1 << 20
CPU_SECONDS = 0.05
TRIES = 3  # further ones, on a machine that does something else at the same time
PROBLEMS_SHOWN = 20
# One body in this many is made large.
LARGE = 100

_NOW = datetime(2026, 1, 10, 8, 0, 5, tzinfo=UTC)
_TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-feedback"
_RULES = Rules(allowed_topic_arns=frozenset([_TOPIC]), allow_raw=True)
_TO = ["anna@example.com", "Bo <bo@example.net>"]
_KEYS = (
    "Type", "Message", "Timestamp", "TopicArn", "Records", "Sns", "body", "ses", "source", "detail", "time", "mail",
    "notificationType", "eventType", "bounce", "complaint", "delivery", "bounceType", "bounceSubType", "recipients",
    "bouncedRecipients", "complainedRecipients", "emailAddress", "timestamp", "destination", "tags", "messageId",
    "feedbackId", "status", "diagnosticCode", "complaintFeedbackType", "requestPayload", "detail-type", "eventSource",
)  # fmt: skip
_ODD_TEXTS = (
    "", " ", "\ud800", "a\udfffb", "\x00", "\ufeff", "\u200b", "é" * 100, "Bounce", "Permanent", "Transient", "aws.ses",
    "Complaint", "Notification", "SubscriptionConfirmation", "{}", "[]", "null", '{"a": "\\ud800"}',
    "x" + " " * 300 + "y",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-10T08:00:05.000   +0200", "cy@example.org",
    "<cy@example.org>", "cy@example.org,dan@example.org", "mailto:cy@example.org", "rfc822;cy@example.org", "a@b@c.de",
    "@", "cy@", "@example.org", "cy@xn--", "cy@" + "ü" * 80 + ".example", '"a b"@example.org', "cy@example.org\n",
)  # fmt: skip
_ODD_VALUES = (None, True, False, 0, -1, 10**30, 1.5, float("inf"), float("nan"), [], {}, [[]], [None], {"": None})


def seeds() -> list[Any]:
    """The messages that are mutated, decoded: each event in each shape."""
    events: list[make.Json] = [
        make.bounce("b", ("Permanent", "General"), _TO, _NOW, diagnostic=("5.1.1", "550 5.1.1 user unknown")),
        make.bounce("t", ("Transient", "MailboxFull"), _TO[:1], _NOW),
        make.bounce("f", ("Permanent", "NoEmail"), ["gone@example.org"], _NOW, to=_TO[:1]),
        make.complaint("c", _TO, _NOW),
        make.delivery("d", _TO, _NOW),
        make.event("s", "Send", {"send": {}}, _NOW, _TO),
    ]
    events += [make.as_event(event) for event in events[:5]]
    found: list[Any] = list(events)
    for event in events:
        envelope = json.loads(make.envelope("e", json.dumps(event), _TOPIC, _NOW))
        found += [
            envelope,
            json.loads(make.eventbridge("e", "Email Bounced", event, _NOW)),
            {"Records": [{"EventSource": "aws:sns", "Sns": envelope}] * 2},
            {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(envelope)}]},
            {"eventSource": "aws:sqs", "receiptHandle": "1", "body": json.dumps(event)},
            {"requestPayload": {"Records": [{"EventSource": "aws:sns", "Sns": envelope}]}},
            [envelope, event],
        ]
    found.append(json.loads(make.eventbridge("e", "Sending Status Disabled", {"version": "1.0.0"}, _NOW)))
    return found


def mutated(number: int, seed: int = 1) -> str:
    """The body with a number: the same one whenever it is made."""
    chance = random.Random(f"{seed} {number}")
    tree = json.loads(json.dumps(chance.choice(_SEEDS)))
    if isinstance(tree, dict) and isinstance(tree.get("Message"), str) and chance.random() < 0.8:
        # Most mutations belong inside the text.
        tree["Message"] = _dumped(_mutate(json.loads(tree["Message"]), chance), chance)
    if chance.random() < 0.9:
        tree = _mutate(tree, chance)
    text = _dumped(tree, chance)
    if chance.random() < 0.2:
        text = _garbled(text, chance)
    return text[:MOST_BYTES]


def _mutate(tree: Any, chance: random.Random) -> Any:
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        places = list(_places(tree))
        if places:
            holder, key = chance.choice(places)
            chance.choice(_CHANGES)(holder, key, chance)
    return tree


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a tree: what holds it, and its key there."""
    waiting = [node]
    for holder in waiting:
        keys: Any = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in list(keys):
            yield holder, key
            waiting.append(holder[key])


def _odd(chance: random.Random) -> Any:
    text = chance.choice(_ODD_TEXTS)
    odd = (
        chance.choice(_ODD_VALUES), [chance.choice(_ODD_TEXTS) for _ in range(chance.randrange(4))],
        {chance.choice(_KEYS): text}, chance.choice(_SEEDS), json.loads("[" * 60 + "]" * 60), text, text, text,
    )  # fmt: skip
    return json.loads(json.dumps(chance.choice(odd)))


def _set_odd(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = _odd(chance)


def _remove(holder: Any, key: Any, _chance: random.Random) -> None:
    del holder[key]


def _add(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, dict):
        holder[chance.choice(_KEYS)] = _odd(chance)
    else:
        holder.insert(key, _odd(chance))


def _rename(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, dict):
        holder[chance.choice(_KEYS)] = holder.pop(key)


def _wrap(holder: Any, key: Any, chance: random.Random) -> None:
    inner = holder[key]
    holder[key] = chance.choice(([inner], {chance.choice(_KEYS): inner}, json.dumps(inner)))


def _repeat(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, list):
        holder.extend([holder[key]] * _times(chance, len(json.dumps(holder[key]))))
    elif isinstance(holder[key], str):
        holder[key] *= _times(chance, len(holder[key]))


def _pad(holder: Any, key: Any, chance: random.Random) -> None:
    text = chance.choice(_ODD_TEXTS) or "x"
    padding = text * _times(chance, 2 * len(text))
    if isinstance(holder, dict):
        holder["padding"] = padding
    elif isinstance(holder[key], str):
        holder[key] += padding


def _times(chance: random.Random, size: int) -> int:
    """How often something so long is repeated: seldom until the body is as large as it may be."""
    return MOST_BYTES // (size + 4) if chance.randrange(LARGE) == 0 else chance.randrange(1, 6)


_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _set_odd, _set_odd, _remove, _add, _rename, _wrap, _repeat, _pad,
)  # fmt: skip


def _dumped(tree: Any, chance: random.Random) -> str:
    return json.dumps(tree, ensure_ascii=chance.random() < 0.7)


def _garbled(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    end = min(len(text), place + chance.randrange(1, 20))
    return chance.choice(
        (
            text[:place], text[:place] + text[end:], text[:end] + text[place:], text + text, f"\ufeff{text}",
            text[:place] + chance.choice('{}[]",:\\ \x00é\ud800') + text[end:],
            text[:place] + chance.choice(("\\ud800", "\\u0000", "9" * 5_000, "[" * 5_000, "1e999")) + text[place:],
        )
    )  # fmt: skip


_SEEDS = seeds()


@dataclass
class Tried:
    """What became of the bodies: how many of each outcome, what went wrong, and the most that one took."""

    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    most_seconds: float = 0.0
    most_bytes: int = 0
    entries: int = 0


def try_all(first: int, count: int, seed: int = 1) -> Tried:
    """Classifies ``count`` bodies, from one number on."""
    tried = Tried()
    for number in range(first, first + count):
        body = mutated(number, seed)
        tried.most_bytes = max(tried.most_bytes, len(body))
        try:
            seconds, result = _timed(body)
            for _ in range(TRIES):
                seconds = min(seconds, _timed(body)[0]) if seconds > CPU_SECONDS else seconds
        except Exception as error:
            tried.problems.append(f"{number}: {type(error).__name__}")
            continue
        tried.most_seconds = max(tried.most_seconds, seconds)
        tried.outcomes[result.outcome] += 1
        tried.entries += len(result.entries)
        if seconds > CPU_SECONDS:
            tried.problems.append(f"{number}: {seconds * 1_000:.0f} ms of CPU time for {len(body)} characters")
        if result.entries and (not_named := _not_named(body, result.entries)):
            tried.problems.append(f"{number}: an entry ({not_named[0].kind}) about an address that it does not name")
    return tried


def _timed(body: str) -> tuple[float, Classification]:
    began = time.process_time()
    result = classify_body(body, _RULES, _NOW)
    return time.process_time() - began, result


def _not_named(body: str, entries: list[Entry]) -> list[Entry]:
    named, destinations = _named(body)
    # What a mail to one address bounced with, where another address is named, is that one's transient problem.
    allowed = {"transient_bounce": named | destinations}
    return [entry for entry in entries if entry.address not in allowed.get(entry.kind, named)]


def _named(body: str) -> tuple[set[str | None], set[str | None]]:
    """The keys of the addresses that a body names as bounced, complaining or delivered to, and as destinations."""
    named: set[str] = set()
    destinations: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", body)]
    while waiting:
        key, node = waiting.pop()
        if isinstance(node, str):
            if key in ("emailAddress", "recipients"):
                named.add(node)
            elif key == "destination":
                destinations.update((node, *split_addresses(node)))  # one text may name several
            if node.strip().removeprefix("\ufeff")[:1] in ("{", "["):
                try:
                    loaded = json.loads(node.strip().removeprefix("\ufeff"), object_pairs_hook=_Pairs, parse_int=str)
                except (ValueError, RecursionError):
                    continue
                waiting.append(("", loaded))
        elif isinstance(node, _Pairs):
            waiting += node.pairs
        elif isinstance(node, list):
            waiting += [(key, item) for item in node]
    return _keys(named), _keys(destinations)


def _keys(texts: set[str]) -> set[str | None]:
    return {address_key(clean(text, len(text)) or "") for text in texts}


class _Pairs:
    """An object with all its pairs, those of the same key too."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def main() -> None:
    """Tries, and tells."""
    parser = argparse.ArgumentParser(prog="python -m dev.mutate", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many bodies (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of other bodies (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: %(default)s)")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print one body instead")
    arguments = parser.parse_args()
    if arguments.show is not None:
        sys.stdout.buffer.write(mutated(arguments.show, arguments.seed).encode("utf-8", "surrogatepass"))
        return
    began = time.process_time()
    tried = try_all(arguments.first, arguments.count, arguments.seed)
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(tried.outcomes.items()))
    print(
        f"{arguments.count} bodies in {time.process_time() - began:.0f} s of CPU time: {outcomes}; {tried.entries} "
        f"entries. The largest had {tried.most_bytes} characters, the slowest took {tried.most_seconds * 1_000:.1f} ms."
    )
    print(*tried.problems[:PROBLEMS_SHOWN], sep="\n")
    if tried.problems:
        sys.exit(f"{len(tried.problems)} problems; --seed {arguments.seed} --show NUMBER has the body")


if __name__ == "__main__":
    main()
