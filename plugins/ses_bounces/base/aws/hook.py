"""The Amazon provider's hook, as every client of this package gets its connection; imported where one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook, SessionFactory  # noqa: TID253
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper  # noqa: TID253
from airflow.sdk.exceptions import AirflowNotFoundException

from ses_bounces.base.aws.patience import Patience
from ses_bounces.base.exceptions import MissingConnectionError
from ses_bounces.base.sites import current

if TYPE_CHECKING:
    import boto3
    from airflow.sdk import Connection
    from botocore.config import Config


class AwsHook(AwsBaseHook):
    """The provider's hook, which reads its connection once, insists on it, and is told who calls it.

    The provider's own names its caller in the user agent, and to find it out has Python read the source of every
    function on the stack and look at every module that is loaded: 0.1 s of each task.
    """

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Read an Airflow connection.

        :raises MissingConnectionError: it is not there; the provider's hook would go on with boto3's default
            credentials: another account's, perhaps.
        """
        try:
            return super().get_connection(conn_id)
        except AirflowNotFoundException:
            raise MissingConnectionError(
                f'Airflow connection "{conn_id}" is missing. Add it under Admin > Connections (type Amazon Web '
                f'Services), or name another one as "aws_conn_id" in Airflow Variable "{current().variable}" (null: '
                "boto3's default credentials)."
            ) from None

    def configure(self, options: Config, patience: Patience) -> None:
        """Put options before those of the connection; they reach the client of STS that assumes a role as well."""
        self._patience = patience
        # What is not given is that of the first.
        self.conn_config = AwsConnectionWrapper(self.conn_config, botocore_config=self.config.merge(options))

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> boto3.Session:
        """Return a session of the connection; whatever assumes its role is as patient as we are."""
        factory = _PatientFactory(conn=self.conn_config, region_name=region_name, config=self.config)
        factory.patience = self._patience
        return factory.create_session(deferrable=deferrable)

    def _get_caller(self, target_function_name: str = "execute") -> str:
        return "ses_bounces"


class _PatientFactory(SessionFactory):  # type: ignore[misc, valid-type]
    """The provider's factory of sessions, or the one that Airflow's configuration names."""

    patience: Patience

    def _create_basic_session(self, session_kwargs: dict[str, Any]) -> boto3.Session:
        session = super()._create_basic_session(session_kwargs)
        self.patience.register(session.events, "sts")
        return session
