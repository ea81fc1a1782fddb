"""How many blocks of a domain and day are new: what the limit is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ses_bounces.base.database.statements import statement
from ses_bounces.ledger.brake.candidate import Candidate, Day, Verdict, day_of

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

# Days for which counts are kept. A bounce that arrives later starts its day's count at zero.
DAYS_KEPT = 60


class NewBlocks:
    """The new blocks of the days and domains that some candidates are of.

    An address counts once, on the day of the earliest bounce that blocks it, in whatever order and pieces its bounces
    are classified: ``begun`` has since when each address is blocked.
    """

    def __init__(
        self, connection: Connection, limit: int, candidates: Sequence[Candidate], begun: dict[str, dt.datetime]
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._begun = begun
        domains = sorted({candidate.domain for candidate in candidates})
        rows = connection.execute(statement("ledger/brake/select_open"), {"domains": domains}).fetchall()
        self._brakes: dict[str, int] = dict(rows)
        open_ = [candidate for candidate in candidates if candidate.domain not in self._brakes]
        days = {candidate.day[0] for candidate in open_}
        # An address that is blocked since a later day frees its place on that day.
        days |= {day_of(begun[candidate.entry.address]) for candidate in open_ if candidate.entry.address in begun}
        self._blocks = self._read(days, domains)

    def _read(self, days: Collection[dt.date], domains: list[str]) -> dict[Day, int]:
        execute = self._connection.execute
        wanted = {"days": sorted(days), "domains": domains}
        rows = execute(statement("ledger/brake/select_days"), wanted).fetchall()
        if missing := sorted(set(days) - {day for day, domain, _ in rows if not domain}):
            execute(statement("ledger/brake/forget_days"), {"days": DAYS_KEPT})
            for day in missing:
                execute(statement("ledger/brake/begin_day"), {"day": day})
            rows = execute(statement("ledger/brake/select_days"), wanted).fetchall()
        return {(day, domain): blocks for day, domain, blocks in rows}

    def spend(self, blocking: Iterable[tuple[Candidate, bool]], verdict: Verdict) -> None:
        """Let each candidate count, or hold it; one that takes no place blocks as well."""
        changed: set[Day] = set()
        for candidate, is_counted in blocking:
            address, domain, day = candidate.entry.address, candidate.domain, candidate.day
            since = self._begun.get(address)
            if since is not None and (day_of(since) <= day[0] or since <= candidate.entry.occurred_at):
                self._begun[address] = min(since, candidate.entry.occurred_at)
                continue
            if is_counted and (domain in self._brakes or self._blocks.get(day, 0) >= self._limit):
                if domain not in self._brakes:
                    self._brakes[domain] = self._apply(candidate)
                verdict.held[candidate.place] = self._brakes[domain]
                continue
            self._begun[address] = candidate.entry.occurred_at
            if is_counted:
                self._blocks[day] = self._blocks.get(day, 0) + 1
                changed.add(day)
            later = None if since is None else (day_of(since), domain)
            if later is not None and self._blocks.get(later, 0) > 0:
                # Its block begins on an earlier day now.
                self._blocks[later] -= 1
                changed.add(later)
        if changed:
            rows = sorted(changed)
            noted = {
                "days": [day for day, _ in rows],
                "domains": [domain for _, domain in rows],
                "new_blocks": [self._blocks[row] for row in rows],
            }
            self._connection.execute(statement("ledger/brake/upsert_days"), noted)

    def _apply(self, candidate: Candidate) -> int:
        day, domain = candidate.day
        made = {"domain": domain, "day": day, "max_new_blocks": self._limit}
        row = self._connection.execute(statement("ledger/brake/insert"), made).fetchone()
        assert row is not None
        brake_id: int = row[0]
        return brake_id
