"""Options of Airflow's configuration that are about the whole installation, whatever its sites: ``[ses_bounces]``."""

from __future__ import annotations

from ses_bounces.base.exceptions import SettingsError

SECTION = "ses_bounces"


def option(name: str) -> str | None:
    """Return the text of an option; None: the configuration doesn't have it."""
    from airflow.sdk.configuration import conf

    value: str | None = conf.get(SECTION, name, fallback=None)
    return value


def option_place(name: str) -> str:
    """Say where an option is changed."""
    return f"Change [{SECTION}] {name} in airflow.cfg, or AIRFLOW__SES_BOUNCES__{name.upper()}, for all components."


def direct_requests() -> bool:
    """Tell whether the drain asks SQS directly; False: boto3's client makes every request, with all its events.

    :raises SettingsError: the option is neither true nor false.
    """
    text = option("direct_requests")
    # As Airflow reads its own options.
    known = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    found = True if text is None else known.get(text.partition("#")[0].strip().lower())
    if found is None:
        raise SettingsError(f'direct_requests is "{text}"; it must be True or False. {option_place("direct_requests")}')
    return found
