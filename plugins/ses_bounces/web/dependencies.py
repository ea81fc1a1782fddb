"""What a request works with: the settings, and a connection to our database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends

from ses_bounces.base.database import schema
from ses_bounces.base.database.pool import lend_async
from ses_bounces.base.settings import Settings, load
from ses_bounces.web.own_threads import connections

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection


def site_settings() -> Settings:
    """Read the settings. :raises SettingsError: they are not there, or wrong."""
    return load()


SettingsDep = Annotated[Settings, Depends(site_settings)]


async def database(settings: SettingsDep) -> AsyncIterator[Any]:
    """Lend the database to one request, and check that its tables are those that we know.

    :raises SesBouncesError: the connection is not defined, Postgres can't be reached, or the schema is another.
    """
    async with connections.one(), lend_async(settings.postgres_conn_id, schema.check) as connection:
        yield connection


if TYPE_CHECKING:
    DatabaseDep = Connection
else:
    DatabaseDep = Annotated[Any, Depends(database)]
