"""The doctor: is the feed alive, is anything stuck? Findings with a severity, a meaning, and what to do."""

from __future__ import annotations

from ses_bounces.doctor.finding import AREAS, Finding, Findings, Severity, open_findings, read_findings, store_findings

__all__ = [
    "AREAS",
    "Finding",
    "Findings",
    "Severity",
    "open_findings",
    "read_findings",
    "store_findings",
]
