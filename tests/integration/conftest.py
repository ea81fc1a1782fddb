"""What all tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dev.ses import FakeSes


@pytest.fixture(scope="session", autouse=True)
def _aws_models(aws_models: None) -> None:
    """Nearly all of them open clients of AWS."""


@pytest.fixture(scope="module")
def server() -> Iterator[FakeSes]:
    """Emulated AWS with what the emulator lacks of SES, for the tests of a module."""
    from dev.aws import temporary_aws
    from dev.ses import FakeSes

    with temporary_aws() as aws, FakeSes(aws) as started:
        yield started
