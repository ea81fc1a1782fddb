"""What is in the columns of a table: which of them hold e-mail addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ses_bounces.base.spreadsheet import plain
from ses_bounces.classify.address import address_key, domain_of
from ses_bounces.classify.mailboxes import mailboxes


@dataclass
class Seen:
    """How many cells of a column are ``filled``, and how many hold ``addresses``, most of them with nothing else."""

    filled: int = 0
    addresses: int = 0
    clear: int = 0

    @property
    def is_address(self) -> bool:
        """Whether it looks like the column of the addresses."""
        return 2 * self.clear >= self.filled > 0


def seen_in(rows: Sequence[list[str]]) -> defaultdict[int, Seen]:
    """Return what is in each column that has anything."""
    seen: defaultdict[int, Seen] = defaultdict(Seen)
    for cells in rows:
        for place, cell in enumerate(cells):
            if cell.strip():
                seen[place].filled += 1
                if "@" in cell:
                    seen[place].addresses += bool(mailboxes(plain(cell).strip()).addresses)
                    seen[place].clear += holds_address(cell)
    return seen


def holds_address(cell: str) -> bool:
    """Tell whether a cell has addresses and nothing else; a header like "E@mail" is none."""
    if "@" not in cell:
        return False
    found = mailboxes(plain(cell).strip())
    return bool(found.addresses) and all("." in domain_of(address_key(one) or "") for one in found.addresses)
