"""The Amazon provider's hook, as every client of this package gets its connection; imported where one is made."""

from __future__ import annotations

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook  # noqa: TID253


class AwsHook(AwsBaseHook):
    """The provider's hook, which is told who calls it.

    It names its caller in the user agent, and to find it out has Python read the source of every function on the stack
    and look at every module that is loaded: 0.1 s of each task.
    """

    def _get_caller(self, target_function_name: str = "execute") -> str:
        return "ses_bounces"
