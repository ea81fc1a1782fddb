"""How clients reach an emulator of AWS: its address and credentials."""

import json
from typing import Any, Protocol

from dev.ports import LOOPBACK

REGION = "us-east-1"
# Any credentials are accepted. Airflow warns of a secret shorter than five characters: it can't mask that in logs.
ACCESS_KEY, SECRET_KEY = "emulated-access-key", "emulated-secret-key"


class Clients(Protocol):
    """Whatever gives clients of AWS: the emulator, or a server in front of it."""

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of a service; keyword arguments go into its botocore Config."""

    def connection_json(self) -> str:
        """The emulator as an Airflow connection, for `AIRFLOW_CONN_…`."""


class Endpoint:
    """Where an emulator of AWS listens on the loopback interface, and how to reach it."""

    port: int | None = None

    @property
    def endpoint_url(self) -> str:
        """The URL of every service's API."""
        if self.port is None:
            raise RuntimeError("the AWS emulator was not started")
        return f"http://{LOOPBACK}:{self.port}"

    def client(self, service: str, region: str = REGION, **config: Any) -> Any:
        """A boto3 client of a service; keyword arguments go into its botocore Config."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=region,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            # No proxy of the environment stands between this process and the loopback interface.
            config=Config(proxies={}, **config),
        )

    def connection_json(self, region: str | None = REGION) -> str:
        """The emulator as an Airflow connection, for `AIRFLOW_CONN_…`."""
        extra = {"endpoint_url": self.endpoint_url} | ({"region_name": region} if region else {})
        return json.dumps({"conn_type": "aws", "login": ACCESS_KEY, "password": SECRET_KEY, "extra": extra})
