"""The folder of the setting ``report_url``, in S3 or on a disk."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

_DISK = re.compile(r"(?P<start>(?:file|local)://)(?:localhost(?=/))?(?P<path>.*)", re.DOTALL)


def report_folder(url: str, conn_id: str | None) -> ObjectStoragePath:
    """Return the folder that reports are written to, each day in a folder of its own.

    :param url: the setting ``report_url``. A path on a disk may be spelled as in any URL (``%20``), or as it is.
    :param conn_id: Airflow connection of the storage.
    """
    from airflow.sdk import ObjectStoragePath

    if on_disk := _DISK.fullmatch(url):
        # Airflow takes the path of a URL as it stands.
        url = on_disk["start"] + os.fsdecode(unquote_to_bytes(on_disk["path"]))
    return ObjectStoragePath(url, conn_id=conn_id)


def make_folder(folder: ObjectStoragePath) -> None:
    """Make a day's folder, and those above it that are missing; on a disk nobody else may look into it."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()] if _is_on_disk(folder) else []
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        os.chmod(made.path, 0o700)
    if _is_on_disk(folder):
        os.chmod(folder.path, 0o700)


def begin_file(file: ObjectStoragePath) -> None:
    """Make an empty file that nobody else may read, before addresses are written into it; in S3 the bucket decides."""
    if _is_on_disk(file):
        file.unlink(missing_ok=True)
        os.close(os.open(file.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _is_on_disk(path: ObjectStoragePath) -> bool:
    return path.protocol in ("", "file", "local")
