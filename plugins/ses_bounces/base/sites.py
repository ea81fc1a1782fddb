"""The sites of an installation: several lists, each with a queue, a database, a people table and rights of its own.

They are declared in Airflow's configuration, which the DAG processor, the workers and the API server all read without
asking anybody: a Variable would cost every parse of a DAG file a request, and the menu is made before there are any.
What is a site's own is found under its key: ``ses_bounces`` for the one that has no name, else ``ses_bounces_<name>``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from ses_bounces.base.configuration import option, option_place
from ses_bounces.base.exceptions import SettingsError

DEFAULT = "default"
# The DAGs of a site without a name, by what they are; the order is that of a newcomer's needs.
HOURLY, SETUP, DOCTOR = "ses_bounces", "ses_bounces_setup", "ses_bounces_doctor"
SUPPRESSION_SYNC, LIFT_BLOCKS, SEND_REPORT = "ses_suppression_sync", "ses_lift_blocks", "ses_send_report"
DAG_NAMES = (HOURLY, SETUP, DOCTOR, SUPPRESSION_SYNC, LIFT_BLOCKS, SEND_REPORT)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,60}")
# Else the DAG of one site could have the id of another one's.
_ENDINGS = ("setup", "doctor", "suppression_sync", "lift_blocks", "send_report")


@dataclass(frozen=True)
class Site:
    """One list of addresses, and the names of everything that belongs to it."""

    name: str = DEFAULT
    dag_id_prefix: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it is the one without a name."""
        return self.name == DEFAULT

    @property
    def key(self) -> str:
        """What its names begin with; also the Airflow Variable of its settings."""
        return "ses_bounces" if self.is_default else f"ses_bounces_{self.name}"

    @property
    def variable(self) -> str:
        """The Airflow Variable of its settings."""
        return self.key

    @property
    def aws_conn_id(self) -> str:
        """The Airflow connection to AWS, unless its settings name another one."""
        return f"{self.key}_aws"

    @property
    def postgres_conn_id(self) -> str:
        """The Airflow connection to its database, unless its settings name another one."""
        return f"{self.key}_postgres"

    @property
    def slug(self) -> str:
        """The key as URLs and AWS write it: ``ses-bounces-<name>``."""
        return self.key.replace("_", "-")

    @property
    def title(self) -> str:
        """What its pages, and its tab on the page of a DAG, are called."""
        return f"Email Bounces{self.suffix}"

    @property
    def entry(self) -> str:
        """What its entry in Airflow's menu is called, which has room for a word."""
        return f"Bounces{self.suffix}"

    @property
    def suffix(self) -> str:
        """What follows a name that a person reads."""
        return "" if self.is_default else f": {self.name}"

    def dag_id(self, name: str) -> str:
        """Return the id of its DAG that is called ``name`` where there is one site.

        >>> Site("news").dag_id("ses_lift_blocks")
        'ses_bounces_news_lift_blocks'
        """
        if self.is_default:
            return f"{self.dag_id_prefix}{name}"
        kind = name.removeprefix("ses_bounces").removeprefix("_").removeprefix("ses_")
        return f"{self.dag_id_prefix}{self.key}{f'_{kind}' if kind else ''}"

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Let everything in the block be about this site."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_UNNAMED = Site()
_current: ContextVar[Site] = ContextVar("ses_bounces site", default=_UNNAMED)


def current() -> Site:
    """Return the site that the running task, request or command is about."""
    return _current.get()


def dag_id(name: str) -> str:
    """Return the id of the current site's DAG that is called ``name`` where there is one site."""
    return current().dag_id(name)


def declared() -> tuple[Site, ...]:
    """Return the sites of Airflow's configuration; the one without a name where it lists none.

    :raises SettingsError: a name is not good.
    """
    names = [name.strip() for name in (option("sites") or DEFAULT).split(",") if name.strip()]
    prefix = configured_prefix() or ""
    for name in names:
        ends = name in _ENDINGS or name.endswith(tuple(f"_{ending}" for ending in _ENDINGS))
        if not _NAME.fullmatch(name) or ends:
            raise SettingsError(
                f'"{name}" can\'t be the name of a site; it must be 1 to 30 of a-z, 0-9 and _, begin with a letter and '
                f"not end like a DAG ({', '.join(_ENDINGS)}). {option_place('sites')}"
            )
    if len(set(names)) < len(names):
        raise SettingsError(f"A site is listed twice: {', '.join(names)}. {option_place('sites')}")
    return tuple(Site(name, prefix) for name in names)


def find(name: str | None) -> Site:
    """Return a declared site by its name; None: the one without a name.

    :raises SettingsError: it is not declared.
    """
    sites = {site.name: site for site in declared()}
    wanted = name or DEFAULT
    if wanted not in sites:
        raise SettingsError(f'There is no site "{wanted}"; there are: {", ".join(sites)}. {option_place("sites")}')
    return sites[wanted]


def configured_prefix() -> str | None:
    """Return what the configuration has all DAG ids begin with; None: it says nothing.

    :raises SettingsError: it can't be part of a DAG id.
    """
    prefix = option("dag_id_prefix")
    return None if prefix is None else checked_prefix(prefix)


def checked_prefix(prefix: str) -> str:
    """Return a prefix of DAG ids. :raises SettingsError: it can't be part of a DAG id."""
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f'dag_id_prefix is "{prefix}"; it must be at most 60 letters, digits, _, . and -. '
            f"{option_place('dag_id_prefix')}"
        )
    return prefix
