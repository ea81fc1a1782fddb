"""What all tests of this folder share."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _aws_models(aws_models: None) -> None:
    """Nearly all of them open clients of AWS."""
