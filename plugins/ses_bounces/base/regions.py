"""AWS's regions as the installed botocore knows them; botocore itself is not imported for it."""

from __future__ import annotations

import functools
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Its queues have had this host since before hosts named a region.
_LEGACY_QUEUE_HOST = "queue.amazonaws.com"


@functools.cache
def _partitions() -> list[dict[str, Any]]:
    # Found without being imported: the settings are read by tasks that ask AWS nothing.
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    path = Path(spec.submodule_search_locations[0], "data", "partitions.json")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["partitions"]
    return found


@functools.cache
def is_region(name: str) -> bool:
    """Tell whether a region is in botocore's list, or has a name like the regions of one of its partitions.

    A region that AWS opened after this botocore was released has such a name.

    >>> is_region("eusc-de-east-1"), is_region("eu-west"), is_region("aws-global")
    (True, False, False)
    """
    return any(re.fullmatch(partition["regionRegex"], name) for partition in _partitions())


@functools.cache
def is_host_of_aws(host: str) -> bool:
    """Tell whether a host is of one of AWS's own domains."""
    kinds = ("dnsSuffix", "dualStackDnsSuffix")
    return any(host.endswith(f".{partition['outputs'][kind]}") for partition in _partitions() for kind in kinds)


def region_of(host: str) -> str | None:
    """Return the region that a host names; None: it names none.

    >>> region_of("sqs.eu-west-1.amazonaws.com"), region_of("eu-west-1.queue.amazonaws.com"), region_of("localhost")
    ('eu-west-1', 'eu-west-1', None)
    """
    if host == _LEGACY_QUEUE_HOST:
        return "us-east-1"
    return next((label for label in host.split(".") if is_region(label)), None)
