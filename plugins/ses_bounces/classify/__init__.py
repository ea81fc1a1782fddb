"""What one message does to which address. Pure: neither Airflow nor a driver, no clock, no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ses_bounces.classify.body import classify_body

__all__ = ["classify_body"]


def __getattr__(name: str) -> Any:
    # On demand: the mailer takes address.py only, and loads nothing else of this package.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ses_bounces.classify.body import classify_body

    return classify_body
