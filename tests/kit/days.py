"""Days of UTC: a test asks for the day when it runs, and none runs across midnight."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

# A test that would start this many seconds before midnight, or fewer, starts after it. Nearly every test is shorter.
LAST_SECONDS = 60


def today() -> date:
    """Give today's date in UTC. A constant of a module is yesterday's where midnight passes after its import."""
    return datetime.now(UTC).date()


def seconds_to_wait(now: datetime) -> float:
    """Tell how long a test waits so that its day does not end while it runs.

    :param now: in UTC.
    :return: 0 unless midnight is nearer than LAST_SECONDS.
    """
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    left = (midnight - now).total_seconds()
    return left if left <= LAST_SECONDS else 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Wait for midnight to pass where it is near."""
    time.sleep(seconds_to_wait(datetime.now(UTC)))
