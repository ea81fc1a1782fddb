"""Clients of AWS for one round of the doctor, each made once."""

from __future__ import annotations

from typing import Any

from ses_bounces.base.aws.clients import Pace, Place, account_of, open_client
from ses_bounces.base.settings import Queue, Settings

# It asks many services: whatever doesn't answer by then is a finding.
PATIENCE_SECONDS = 5


class Clients:
    """Clients by service and place; and the pace of SES's management, one request a second."""

    def __init__(self, settings: Settings, pace: Pace | None = None) -> None:
        self.settings = settings
        self.pace = pace or Pace()
        self._made: dict[tuple[str, Place], Any] = {}
        self._accounts: dict[Place, str] = {}

    def get(self, service: str, place: Place) -> Any:
        """Return the client.

        :raises MissingConnectionError: the Airflow connection is missing.
        :raises AwsRefusedError: no client can be made of it.
        """
        if (service, place) not in self._made:
            fips = self.settings.use_fips_endpoint
            self._made[service, place] = open_client(service, place, use_fips_endpoint=fips, patience=PATIENCE_SECONDS)
        return self._made[service, place]

    def account(self, place: Place) -> str:
        """Return the number of the account that the place's connection leads to."""
        if place not in self._accounts:
            fips = self.settings.use_fips_endpoint
            self._accounts[place] = account_of(place, use_fips_endpoint=fips, patience=PATIENCE_SECONDS)
        return self._accounts[place]

    def place_of(self, queue: Queue) -> Place:
        """Return where a queue is."""
        return Place(self.settings.queue_connection(queue), queue.region)
