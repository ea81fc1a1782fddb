"""Email Bounce Settings: one validated model, read from the site's Airflow Variable (``ses_bounces``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.feeds import Feed, Feeds, Queues
from ses_bounces.base.feeds import Queue as Queue
from ses_bounces.base.logins import without_logins
from ses_bounces.base.pinned import pinned, pinned_place, refusals
from ses_bounces.base.regions import is_region
from ses_bounces.base.sites import current
from ses_bounces.classify.address import address_key
from ses_bounces.classify.rules import Rules

MAX_GRACE_DAYS = 30
# They hold addresses: shown to nobody who may not see those, and in no error text.
PRIVATE = ("feeds", "never_block", "report_email_to", "report_email_from")
# A manual run may lower these for itself: whoever may trigger it need not have the right to the settings.
LOWERABLE = ("max_seconds", "max_messages", "max_drainers")


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _region(name: str) -> str:
    if not is_region(name):
        raise ValueError(f"it must be a list of regions that the installed botocore knows; {name} is none")
    return name


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("it must be a time zone of the IANA database, like Europe/Berlin") from None
    return name


def _protected(pattern: str) -> str:
    if pattern.startswith("@"):
        key = address_key(f"postmaster{pattern}")
        domain = key.rpartition("@")[2] if key else None
        if domain:
            return f"@{domain}"
    elif key := address_key(pattern):
        return key
    raise ValueError("it must be an address, or an exact domain like @example.com")


def _address(text: str) -> str:
    if address_key(text) is None:
        raise ValueError("it must be an e-mail address")
    return text


def _whole_number(value: Any) -> Any:
    # JSON knows one kind of number, and Airflow's form takes 14.0 for the same as 14.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    # true is 1 and "14" is 14 to pydantic; to a person they are mistakes.
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError("not a whole number")
    return value


Count = Annotated[int, BeforeValidator(_whole_number)]
Address = Annotated[str, AfterValidator(_address)]
Identifier = Annotated[str, Field(min_length=1, max_length=128)]


class Settings(BaseModel):
    """Every key of the Variable, its range and its default; docs/settings.md says what each is for."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    enabled: Annotated[bool, Field(strict=True)] = True
    enforce: Annotated[bool, Field(strict=True)] = True
    queue_urls: Annotated[Queues, Field(min_length=1)]
    feeds: Feeds = ()
    transient_grace_days: Annotated[Count, Field(ge=0, le=MAX_GRACE_DAYS)] = 14
    promotion: Literal["age", "age_and_rebounce", "expire"] = "age"
    promotion_excludes: tuple[str, ...] = ()
    promote_auto_replies: Annotated[bool, Field(strict=True)] = True
    aws_conn_id: str | None = "ses_bounces_aws"
    postgres_conn_id: str = "ses_bounces_postgres"
    use_fips_endpoint: Annotated[bool, Field(strict=True)] = False
    ses_regions: Annotated[tuple[Annotated[str, AfterValidator(_region)], ...], Field(min_length=1)] | None = None
    lift_at_ses: Annotated[bool, Field(strict=True)] = True
    push_to_ses: Annotated[bool, Field(strict=True)] = False
    ask_ses_validation: Annotated[bool, Field(strict=True)] = False
    ses_import_url: Annotated[str, Field(pattern=r"^s3://[^/]+")] | None = None
    allowed_topic_arns: tuple[Annotated[str, Field(pattern=r"^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+$")], ...] = ()
    allow_raw: Annotated[bool, Field(strict=True)] = False
    verify_signatures: Annotated[bool, Field(strict=True)] = False
    people_table: Annotated[str, Field(pattern=r"^[^.\x00]+(\.[^.\x00]+)?$")] | None = None
    people_id_column: Identifier = "id"
    people_email_column: Identifier = "email"
    people_flag_column: Identifier = "allow_group_email"
    never_block: tuple[Annotated[str, AfterValidator(_protected)], ...] = ()
    max_new_blocks_per_domain: Annotated[Count, Field(ge=1)] | None = None
    report_url: Annotated[str, Field(pattern=r"^[a-z0-9+]+://")] | None = None
    report_conn_id: str | None = None
    report_timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    report_days_kept: Annotated[Count, Field(ge=1, le=3_650)] = 45
    report_retention_days: Annotated[Count, Field(ge=0, le=3_650)] = 0
    report_email_to: Annotated[tuple[Address, ...], BeforeValidator(_one_or_more)] = ()
    report_email_from: Address | None = None
    report_email_conn_id: str = "smtp_default"
    report_chat_conn_id: str | None = None
    report_chat_format: Literal["text", "google_chat", "teams", "discord"] = "text"
    report_send_addresses: Annotated[bool, Field(strict=True)] = False
    raw_retention_days: Annotated[Count, Field(ge=0, le=3_650)] = 90
    keep_no_effect_bodies: Annotated[bool, Field(strict=True)] = False
    database_max_gb: Annotated[Count, Field(ge=1)] | None = None
    max_seconds: Annotated[Count, Field(ge=10, le=2_700)] = 1_500
    max_messages: Annotated[Count, Field(ge=1)] | None = None
    max_drainers: Annotated[Count, Field(ge=1, le=64)] = 4

    @property
    def rules(self) -> Rules:
        """What classification needs of the settings."""
        return Rules(
            grace=timedelta(days=self.transient_grace_days),
            promotion=self.promotion,
            promotion_excludes=frozenset(self.promotion_excludes),
            promote_auto_replies=self.promote_auto_replies,
            allowed_topic_arns=frozenset(self.allowed_topic_arns),
            allow_raw=self.allow_raw,
            verify_signatures=self.verify_signatures,
        )

    @property
    def report_zone(self) -> ZoneInfo:
        """The zone whose days the report is made for."""
        return ZoneInfo(self.report_timezone)

    def queue_connection(self, queue: Queue) -> str | None:
        """The Airflow connection id to read a queue with; None: boto3's default credentials."""
        return queue.aws_conn_id or self.aws_conn_id


class SettingsForSetup(Settings):
    """The same before there is a queue: the setup has yet to make it."""

    queue_urls: Queues = ()


def load(params: Mapping[str, Any] | None = None) -> Settings:
    """Read the Variable and let the Params of a manual run lower the limits of a run.

    :param params: the run's Params; keys with None, and keys that are no limits, are passed over.
    :raises SettingsError: naming key, value, range and where to change it.
    """
    from airflow.sdk import Variable

    text = Variable.get(variable := current().variable, default=None)
    if text is None:
        raise SettingsError(
            f'Airflow Variable "{variable}" is missing; it must be a JSON object with at least "queue_urls". '
            "Add it under Admin > Variables."
        )
    return lowered(parse(text), params or {})


def load_for_setup() -> Settings:
    """Read what the setup needs of the Variable and of the configuration; the Variable may be missing yet.

    :raises SettingsError: naming key, value, range and where to change it.
    """
    from airflow.sdk import Variable

    return parse(Variable.get(current().variable, default=None) or "{}", model=SettingsForSetup)


def lowered(settings: Settings, params: Mapping[str, Any]) -> Settings:
    """Return settings with the limits that a run's Params lower.

    :raises SettingsError: one is out of its range, or above what is set.
    """
    asked = {key: params[key] for key in LOWERABLE if params.get(key) is not None}
    if not asked:
        return settings
    found = parse({"queue_urls": [queue.url for queue in settings.queue_urls]}, asked)
    for key in asked:
        limit = getattr(settings, key)
        if limit is not None and getattr(found, key) > limit:
            raise SettingsError(
                f"{key} is {asked[key]}; a run may only lower it, and it is {limit} in the settings. Change it in the "
                "run's Params."
            )
    return settings.model_copy(update={key: getattr(found, key) for key in asked})


def parse(
    text: str | Mapping[str, Any], overrides: Mapping[str, Any] | None = None, model: type[Settings] = Settings
) -> Settings:
    """Validate the settings' JSON text, or the decoded object; what Airflow's configuration pins is as it says.

    :raises SettingsError: one line for each bad key.
    """
    try:
        loaded = json.loads(text) if isinstance(text, str) else dict(text)
    except ValueError as error:
        raise SettingsError(f'Airflow Variable "{current().variable}" is not JSON ({error}). {where()}') from None
    if not isinstance(loaded, dict):
        raise SettingsError(
            f'Airflow Variable "{current().variable}" is a {type(loaded).__name__}; it must be a JSON object. {where()}'
        )
    pins = pinned()
    if refused := refusals(loaded, pins):
        raise SettingsError("\n".join(refused))
    try:
        return model(**(site_defaults() | loaded | pins | dict(overrides or {})))
    except ValidationError as error:
        places = dict.fromkeys(overrides or (), "Change it in the run's Params.")
        places |= {key: pinned_place(key) for key in pins}
        lines = dict.fromkeys(_explain(detail, places) for detail in error.errors(include_url=False))
        raise SettingsError("\n".join(lines)) from None


def site_defaults() -> dict[str, Any]:
    """Return the defaults that a named site has of its own: the connections."""
    site = current()
    return {} if site.is_default else {"aws_conn_id": site.aws_conn_id, "postgres_conn_id": site.postgres_conn_id}


def where() -> str:
    """Say where the settings are changed."""
    return f'Change it in Airflow Variable "{current().variable}".'


def _explain(detail: Mapping[str, Any], places: Mapping[str, str]) -> str:
    location = detail["loc"]
    key = str(location[0]) if location else current().variable
    place = places.get(key, where())
    if detail["type"] == "missing":
        return f"{key} is missing; it must be {MEANINGS[key]}. {place}"
    if detail["type"] == "extra_forbidden":
        known = Settings.model_fields if len(location) == 1 else (Feed if key == "feeds" else Queue).model_fields
        return f"{'.'.join(map(str, location))} is not a setting; it must be one of {', '.join(known)}. {place}"
    rule = detail["msg"].removeprefix("Value error, ")
    must = rule if rule.startswith(("it must", "this version")) else f"it must be {MEANINGS.get(key, rule)}"
    value = "a value that is not shown" if key in PRIVATE else without_logins(json.dumps(detail["input"], default=str))
    return f"{key} is {value}; {must}. {place}"


MEANINGS = {
    "enabled": "true or false",
    "enforce": "true or false",
    "queue_urls": "one or more SQS queue URLs, or objects of url and aws_conn_id",
    "feeds": "a list of domains and FROM addresses, or of objects with identity and names",
    "transient_grace_days": f"a whole number from 0 to {MAX_GRACE_DAYS}",
    "promotion": "age, age_and_rebounce or expire",
    "promotion_excludes": "a list of bounce subtypes",
    "promote_auto_replies": "true or false",
    "aws_conn_id": "an Airflow connection id, or null for boto3's default credentials",
    "postgres_conn_id": "an Airflow connection id",
    "use_fips_endpoint": "true or false",
    "ses_regions": "a list of AWS regions, or null",
    "lift_at_ses": "true or false",
    "push_to_ses": "true or false",
    "ask_ses_validation": "true or false",
    "ses_import_url": "a URL like s3://bucket/folder, or null",
    "allowed_topic_arns": "a list of SNS topic ARNs",
    "allow_raw": "true or false",
    "verify_signatures": "true or false",
    "people_table": "a table, as name or schema.name, or null",
    "people_id_column": "a column's name",
    "people_email_column": "a column's name",
    "people_flag_column": "a column's name",
    "never_block": "a list of addresses, or of exact domains like @example.com",
    "max_new_blocks_per_domain": "a whole number from 1, or null",
    "report_url": "a URL like s3://bucket/folder or file:///folder, or null",
    "report_conn_id": "an Airflow connection id, or null",
    "report_timezone": "a time zone of the IANA database",
    "report_days_kept": "a whole number from 1 to 3650",
    "report_retention_days": "a whole number from 0 (keep) to 3650",
    "report_email_to": "one or more e-mail addresses, or an empty list",
    "report_email_from": "an e-mail address, or null",
    "report_email_conn_id": "an Airflow connection id",
    "report_chat_conn_id": "an Airflow connection id, or null",
    "report_chat_format": "text, google_chat, teams or discord",
    "report_send_addresses": "true or false",
    "raw_retention_days": "a whole number from 0 (keep) to 3650",
    "keep_no_effect_bodies": "true or false",
    "database_max_gb": "a whole number from 1, or null",
    "max_seconds": "a whole number from 10 to 2700",
    "max_messages": "a whole number from 1, or null",
    "max_drainers": "a whole number from 1 to 64",
}
"""What each key must be, in the words of an error message and of the settings page."""
