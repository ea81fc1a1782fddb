"""``ses-bounces rebuild``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from ses_bounces.base.exceptions import ActionError
from ses_bounces.shell.command import DONE, LOOK
from ses_bounces.shell.context import database, settings_if_any
from ses_bounces.shell.output import answer, progress

SHOWN = 20


def run(options: argparse.Namespace) -> int:
    """Compare the lists with the ledger, repair them unless told not to, and say what differed."""
    from ses_bounces.ledger.rebuild import rebuild, verify

    if options.until and not options.since:
        raise ActionError("--until needs --since. Give the beginning of the window too.")
    window = (options.since, options.until or datetime.now(UTC)) if options.since else None
    if sum((bool(options.address_id), window is not None, bool(options.after))) > 1:
        raise ActionError("--address-id, --since and --after exclude each other. Give one of them.")
    work = verify if options.verify else rebuild
    with (
        database(options, settings_if_any(options)) as connection,
        progress("Comparing", None, unit="addresses") as tell,
    ):
        compared = work(connection, options.address_id, window, after=options.after, progress=tell)
    lines = [f"{compared.addresses:,} addresses compared with the ledger."]
    if compared.differ:
        lines.append(
            f"Otherwise than the ledger says: {compared.blocks:,} in the Email Blocked List, {compared.bounces:,} in "
            "the Email Bounce List."
        )
        shown = ", ".join(str(id_) for id_ in compared.ids[:SHOWN])
        lines.append(f"Their ids: {shown}{', …' if len(compared.ids) > SHOWN else ''}")
        lines.append("Nothing was changed (--verify)." if options.verify else "Brought up to the ledger.")
    else:
        lines.append("All are what the ledger says.")
    value = {
        "addresses": compared.addresses, "blocks": compared.blocks, "bounces": compared.bounces, "ids": compared.ids,
        "last_id": compared.last_id, "changed": not options.verify and compared.differ,
    }  # fmt: skip
    answer(options, value, *lines)
    return LOOK if compared.differ else DONE
