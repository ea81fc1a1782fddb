"""Metrics, all named ``ses_bounces.…``, through the Task SDK's stats; a no-op where Airflow sends none."""

from __future__ import annotations


def count(name: str, number: int, tags: dict[str, str] | None = None) -> None:
    """Add to a counter; nothing is sent for 0."""
    from airflow.sdk.observability import stats

    if number:
        stats.incr(f"ses_bounces.{name}", number, tags=tags)


def gauge(name: str, value: float, tags: dict[str, str] | None = None) -> None:
    """Set a gauge."""
    from airflow.sdk.observability import stats

    stats.gauge(f"ses_bounces.{name}", value, tags=tags)
