"""Files that appear whole or not at all, on the disk or in object storage."""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
from collections.abc import Iterator
from typing import Any

from ses_bounces.base.report_folder import begin_file


def write_file(folder: Any, name: str, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it.

    :param folder: a ``Path``, or Airflow's ``ObjectStoragePath``.
    :raises OSError: the file is as it was before.
    """
    with _renamed(folder, name) as temporary:
        temporary.write_bytes(content)


def unpack_file(folder: Any, name: str, packed: bytes) -> None:
    """Write what was packed by gzip in the same way, without holding all of it in memory.

    :param folder: a ``Path``, or Airflow's ``ObjectStoragePath``.
    :raises OSError: the file is as it was before.
    """
    with (
        _renamed(folder, name) as temporary,
        gzip.open(io.BytesIO(packed)) as source,
        temporary.open("wb") as target,
    ):
        shutil.copyfileobj(source, target)


@contextlib.contextmanager
def _renamed(folder: Any, name: str) -> Iterator[Any]:
    temporary = folder / f".{name}.part"
    try:
        begin_file(temporary)
        yield temporary
        temporary.move(folder / name)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
