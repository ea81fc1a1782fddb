"""Whatever reads a stranger's text takes time that grows with its length: a pattern tried anew at each character doesn't.

No time is measured: the limit is what a machine ten times slower needs for a megabyte, and where time grows with the
square of the length, a megabyte takes minutes.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ses_bounces.actions.pasted import read_csv, read_text
from ses_bounces.actions.tables import delimiter_of
from ses_bounces.base.exceptions import ActionError
from ses_bounces.base.spreadsheet import neutral, plain
from ses_bounces.classify import classify_body
from ses_bounces.classify.address import address_key
from ses_bounces.classify.fitting import without_escaped_surrogates
from ses_bounces.classify.mailboxes import address_keys, mailboxes
from ses_bounces.classify.signature import host_of
from ses_bounces.classify.unwrapping import clean, parse_time
from ses_bounces.ledger.brake.diagnostics import masked
from ses_bounces.ledger.lists.engine.search import Search, grams
from ses_bounces.shell.import_columns import _moment
from tests.kit.builders import bounce

MEGABYTE = 1 << 20
CPU_SECONDS = 5
UNITS = [
    " ", "\t\n", "a", "@", "a@", "@a.b", "a.", "1.a-", "<", ">", "<>", '"', "\\", '\\"', "rfc822;", "=+", "%41",
    "\\u0041", "é", "ü.", ",;", "1", "-", "&#", '{"a":', "a=b.c", ":(", "\x00", "\ud800", "xn--", "'", "a@b.cc,", "a\n",
]  # fmt: skip


def classify_everywhere(text: str) -> Any:
    """A bounce with the text in each of its places."""
    part = text[: len(text) // 8]
    event = bounce(
        part,
        timestamp=part,
        feedbackId=part,
        mail_fields={"timestamp": part, "messageId": part, "tags": {part: [part]}},
    )
    return classify_body(json.dumps(event, ensure_ascii=False))


READERS: dict[str, Callable[[str], Any]] = {
    "a time": parse_time,
    "a date of another provider": _moment,
    "an address": address_key,
    "the keys of a text": address_keys,
    "a line with addresses": mailboxes,
    "a name with a comma in it": lambda text: mailboxes(f"{text} b, Ann <anna@example.com>"),
    "addresses in one line of a file": lambda text: read_csv(f"email,name\n{text}\n".encode("utf-8", "replace")),
    "an address behind a name": lambda text: address_key(f"{text} <anna@example.com>"),
    "a local part": lambda text: address_key(f"{text}@example.com"),
    "a domain": lambda text: address_key(f"anna@{text}"),
    "a diagnostic, masked": masked,
    "a diagnostic of an address, masked": lambda text: masked(text, "aa@example.com"),
    "a text, cleaned": lambda text: clean(text, 2_000),
    "a cell of a file": neutral,
    "a cell that was made harmless": plain,
    "the first line of a file": delimiter_of,
    "a pasted list": read_text,
    "a time in the first row": lambda text: read_csv(f'name,"1T{text[1:-1]} x"'.encode("utf-8", "replace")),
    "two lines of a time in the first row": lambda text: read_csv(
        f'name,"1 {text[1:-1]}\nx"'.encode("utf-8", "replace")
    ),
    "a file of addresses": lambda text: read_csv(text.encode("utf-8", "replace")),
    "a text to search for": Search.of,
    "the parts of an address": lambda text: grams(text[:100_000].encode("utf-8", "replace").decode()),
    "a body": classify_body,
    "a bounce": classify_everywhere,
    "a list": lambda text: classify_body(f"[{text}]"),
    "surrogates that JSON escapes": without_escaped_surrogates,
    "the URL of a certificate": host_of,
}


@contextlib.contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Fail what takes more CPU time of this process than so much."""

    def stop(*_: Any) -> None:
        pytest.fail(f"took over {seconds} s of CPU time")

    former = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
@pytest.mark.parametrize("what", READERS)
def test_a_megabyte_of_anything(what: str, unit: str) -> None:
    # A signal comes between two steps of Python only: what takes minutes for a megabyte is found out with less.
    for size in (MEGABYTE >> 4, MEGABYTE):
        text = unit * (size // len(unit))
        with cpu_limit(CPU_SECONDS), contextlib.suppress(ActionError):
            READERS[what](f"x{text}y")


def test_the_limit_stops_what_takes_too_long() -> None:
    with pytest.raises(pytest.fail.Exception, match="CPU time"), cpu_limit(0.05):
        sum(1 for _ in itertools.repeat(None))
