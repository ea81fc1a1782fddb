"""A lifted block really lifts: the address leaves SES's own lists first, then the block is lifted in the ledger.

An ``unblock_request`` is open until that is done. Deleting what is not on a list changes nothing, and the ledger's
entry is one for its request: whatever is killed, the next run goes on.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ses_bounces.base.aws.clients import Pace, places
from ses_bounces.base.counted import counted
from ses_bounces.base.database.connection import quiet
from ses_bounces.base.database.statements import statement
from ses_bounces.base.exceptions import AwsError, AwsRefusedError, SesBouncesError
from ses_bounces.base.settings import Settings
from ses_bounces.base.sites import LIFT_BLOCKS, dag_id
from ses_bounces.classify.entry import Entry, digest
from ses_bounces.ledger.moment import moment_of
from ses_bounces.ledger.writing import Changes, writing
from ses_bounces.suppression.import_files import ImportFolder
from ses_bounces.suppression.ses_list import BadAddressError, SuppressionList, open_list, spellings

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

log = logging.getLogger(__name__)

LIFTED = "lifted"
# One by one they take a second each; more than these go by an import job of SES.
ONE_BY_ONE = 1_000
# SES's own limit of one job, in addresses.
PER_JOB = 100_000
_CHUNK = 500
# Limits for a request that a person waits for.
HASTE_SECONDS = 1.5


@dataclass
class Lifts:
    """What was done: requests lifted, refused for good, handed to import jobs; ``left`` is still to do.

    ``failed``: why some could not be done now, one sentence for each list.
    """

    lifted: int = 0
    refused: int = 0
    in_jobs: int = 0
    left: int = 0
    failed: list[SesBouncesError] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)


def open_lists(settings: Settings, *, hasty: bool = False) -> list[SuppressionList]:
    """Return SES's lists of every account and region in use, each once.

    :param hasty: a person waits for the answer: no long waits, no second attempts.
    """
    options: dict[str, Any] = {"read_seconds": HASTE_SECONDS, "attempts": 1} if hasty else {}
    found: dict[tuple[str, str], SuppressionList] = {}
    for place in places(settings):
        listing = open_list(settings, place, pace=Pace(), **options)
        found.setdefault((listing.account, listing.region), listing)
    return list(found.values())


def lift_open(
    connection: Connection,
    lists: Sequence[SuppressionList],
    folders: Sequence[ImportFolder | None] = (),
    seconds: float = float("inf"),
    request_ids: Sequence[int] | None = None,
) -> Lifts:
    """Work on the open unblock requests: SES's lists, then the ledger, then the request is finished.

    A refusal that concerns the address ends its request, with the reason in it. One that concerns the list (a
    permission, credentials, throttling) leaves its requests open, with the reason in them; the other lists go on.

    :param connection: autocommit.
    :param lists: every list that the addresses must leave.
    :param folders: by list, where the files of import jobs are put; None: one request a second, whatever the number.
    :param seconds: begin no further request after this long.
    :param request_ids: only these; None: all.
    :raises DatabaseError: what is done stays done; repeat to go on.
    """
    done = Lifts()
    until = time.monotonic() + seconds
    ids = None if request_ids is None else list(request_ids)
    with quiet():
        for listing, folder in zip(lists, [*folders, *[None] * len(lists)], strict=False):
            try:
                if folder is not None:
                    _finish_jobs(connection, listing, folder)
                    done.in_jobs += _begin_jobs(connection, listing, folder)
                done.refused += _delete(connection, listing, ids, until)
            except (AwsError, AwsRefusedError) as error:
                refuse_lifts(connection, ids, str(error), for_good=False)
                done.failed.append(error)
        done.lifted = _finish(connection, lists, ids, done.changes)
        row = connection.execute(
            "SELECT count(*) FROM ses_bounces.unblock_request r WHERE r.finished_at IS NULL"
            " AND (%(ids)s::bigint[] IS NULL OR r.unblock_request_id = ANY (%(ids)s::bigint[]))",
            {"ids": ids},
        ).fetchone()
    done.left = row[0] if row else 0
    return done


def _delete(connection: Connection, listing: SuppressionList, ids: list[int] | None, until: float) -> int:
    """Delete the addresses of open requests from a list, one by one; returns how many were refused for good."""
    refused = 0
    place = {"account": listing.account, "region": listing.region}
    for chunk in _open(connection, listing, ids, untried=False):
        for id_, reported, key, listed in chunk:
            request = place | {"ids": [id_]}
            for spelling in spellings(reported, key, *listed):
                if time.monotonic() + listing.pace.left >= until:
                    return refused
                try:
                    # Noted at once: SES does not know it the next time, if this run ends before the other spellings.
                    if listing.delete(spelling):
                        connection.execute(statement("suppression/note_listed"), request)
                except BadAddressError as error:
                    refuse_lifts(connection, [id_], str(error), for_good=True)
                    refused += 1
                    break
            else:
                connection.execute(statement("suppression/note_list_left"), request | {"was_listed": False})
    return refused


def _open(
    connection: Connection, listing: SuppressionList, ids: list[int] | None, *, untried: bool
) -> Iterator[list[tuple[int, str, str, list[str]]]]:
    after = 0
    while True:
        wanted = {"account": listing.account, "region": listing.region, "ids": ids, "untried": untried}
        rows = connection.execute(
            statement("suppression/select_open_lifts"), wanted | {"after": after, "limit": _CHUNK}
        ).fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _begin_jobs(connection: Connection, listing: SuppressionList, folder: ImportFolder) -> int:
    """Hand requests that no job has tried yet to an import job, if they are many; returns how many were."""
    handed = 0
    for requests in _batches(_open(connection, listing, None, untried=True)):
        if len(requests) <= ONE_BY_ONE:
            break
        url = folder.write(text for _, written in requests for text in written)
        try:
            job_id = listing.begin_deletion(url)
        except BaseException:
            folder.forget(url)
            raise
        place = {"account": listing.account, "region": listing.region}
        job = place | {"job_id": job_id, "object_url": url, "ids": [id_ for id_, _ in requests]}
        connection.execute(statement("suppression/insert_lift_job"), job)
        handed += len(requests)
    return handed


def _batches(chunks: Iterable[list[tuple[int, str, str, list[str]]]]) -> Iterator[list[tuple[int, list[str]]]]:
    """Yield requests with the spellings of their addresses, as many as one job takes; none is divided."""
    batch: list[tuple[int, list[str]]] = []
    size = 0
    for chunk in chunks:
        for id_, reported, key, listed in chunk:
            written = spellings(reported, key, *listed)
            if batch and size + len(written) > PER_JOB:
                yield batch
                batch, size = [], 0
            batch.append((id_, written))
            size += len(written)
    if batch:
        yield batch


def _finish_jobs(connection: Connection, listing: SuppressionList, folder: ImportFolder) -> None:
    place = {"account": listing.account, "region": listing.region}
    for job_id, url in connection.execute(statement("suppression/select_lift_jobs"), place).fetchall():
        status, failed = listing.deletion(job_id)
        if status in ("CREATED", "PROCESSING"):
            continue
        ended = {"job_id": job_id, "status": status, "done": status == "COMPLETED" and not failed}
        if not ended["done"]:
            records = counted(failed, "failed record")
            log.warning("An import job of SES ended %s with %s: they go one by one", status, records)
        done = [id_ for (id_,) in connection.execute(statement("suppression/finish_lift_job"), ended)]
        connection.execute(statement("suppression/note_list_left"), place | {"ids": done, "was_listed": None})
        folder.forget(url)


def refuse_lifts(connection: Connection, ids: list[int] | None, why: str, *, for_good: bool) -> None:
    """Write into unblock requests why their blocks are still there.

    :param ids: of the requests; None: all that are open.
    :param for_good: they are not tried again: a person has to ask again.
    """
    connection.execute(statement("suppression/refuse_lifts"), {"ids": ids, "result": why, "for_good": for_good})


def _finish(connection: Connection, lists: Sequence[SuppressionList], ids: list[int] | None, changes: Changes) -> int:
    """Lift in the ledger what has left every list; returns how many requests were finished."""
    wanted = {
        "accounts": [listing.account for listing in lists],
        "regions": [listing.region for listing in lists],
        "ids": ids,
        "limit": _CHUNK,
        "result": LIFTED,
    }
    finished = 0
    # Without a list that it must leave, every request would count as done.
    while lists:
        with writing(connection) as writer:
            rows = connection.execute(statement("suppression/finish_lifts"), wanted).fetchall()
            at = moment_of(connection).at
            groups: dict[tuple[str, tuple[str, ...]], list[Entry]] = defaultdict(list)
            for id_, address, lifts, actor, reason in rows:
                key = digest("unblock_request", str(id_))
                groups[actor, tuple(lifts)].append(Entry("unblocked", address, address, at, key, reason=reason))
            for (actor, lifts), entries in groups.items():
                writer.append(((entry, None) for entry in entries), actor, list(lifts))
        changes += writer.changes
        finished += len(rows)
        if len(rows) < _CHUNK:
            break
    return finished


def left_to_dag() -> str:
    """Say what becomes of a lift that SES's own list comes before."""
    return f"SES's own list comes first: the next run of {dag_id(LIFT_BLOCKS)} takes the address off it."
