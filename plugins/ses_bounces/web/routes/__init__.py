"""The pages, one module for each entry of the navigation."""

from __future__ import annotations

from ses_bounces.web.routes import (
    addresses,
    blocked,
    bounces,
    check,
    figures,
    held,
    lifts,
    overview,
    people,
    preview,
    quarantine,
    reports,
    stops,
    transients,
)
from ses_bounces.web.routes import settings as settings_page

ROUTERS = tuple(
    module.router
    for module in (
        overview,
        preview,
        bounces,
        check,
        transients,
        addresses,
        blocked,
        lifts,
        stops,
        people,
        figures,
        reports,
        quarantine,
        held,
        settings_page,
    )
)
