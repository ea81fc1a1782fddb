"""What the tasks of every DAG have in common; Airflow's SDK only, so that a DAG file parses fast."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from ses_bounces.exceptions import NeedsAPersonError

TAGS = ["email", "ses"]


def default_args(retries: int, first_delay: timedelta, longest_delay: timedelta) -> dict[str, Any]:
    """Return the ``default_args`` of a DAG: its owner, and retries further and further apart.

    What a person has to mend is not retried.
    """
    policy = ExceptionRetryPolicy(
        rules=[RetryRule(NeedsAPersonError, RetryAction.FAIL, reason="A retry would meet the same.")]
    )
    return {
        "owner": "email",
        "retries": retries,
        "retry_delay": first_delay,
        "retry_exponential_backoff": 2,
        "max_retry_delay": longest_delay,
        "retry_policy": policy,
    }
