"""Email Bounce Settings: each bad value is refused with key, value, range and place."""

from __future__ import annotations

from typing import Any

import pytest

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import MEANINGS, Settings, parse

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-bounces-queue"
WHERE = 'Change it in Airflow Variable "ses_bounces".'


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("transient_grace_days", 45, "45"),
        ("transient_grace_days", -1, "-1"),
        ("transient_grace_days", "14", '"14"'),
        ("transient_grace_days", True, "true"),
        ("transient_grace_days", 1.5, "1.5"),
        ("enabled", "yes", '"yes"'),
        ("enforce", 1, "1"),
        ("promotion", "never", '"never"'),
        ("people_table", "a.b.c", '"a.b.c"'),
        ("report_url", "reports", '"reports"'),
        ("report_days_kept", 0, "0"),
        ("raw_retention_days", -1, "-1"),
        ("max_seconds", 9, "9"),
        ("max_seconds", 2_701, "2701"),
        ("max_messages", 0, "0"),
        ("max_drainers", 65, "65"),
        ("allowed_topic_arns", ["topic"], '"topic"'),
        ("allow_raw", "yes", '"yes"'),
        ("verify_signatures", 1, "1"),
        ("queue_urls", [], "[]"),
    ],
)
def test_a_bad_value_is_named_with_its_range_and_place(key: str, value: Any, shown: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse({"queue_urls": URL, key: value})
    assert str(raised.value) == f"{key} is {shown}; it must be {MEANINGS[key]}. {WHERE}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is a list; it must be a JSON object"),
        ("{}", "queue_urls is missing; it must be one or more SQS queue URLs"),
        ('{"queue_urls": "ftp://x"}', "it must be the URL of an SQS queue"),
        ('{"queue_urls": "https://sqs.eu-west-1.amazonaws.com/1/q.fifo"}', "it must be a standard queue"),
        (f'{{"queue_urls": "{URL}", "typo": 1}}', "typo is not a setting; it must be one of enabled, "),
        (f'{{"queue_urls": "{URL}", "report_timezone": "Mars"}}', "it must be a time zone of the IANA database"),
        (f'{{"queue_urls": "{URL}", "max_new_blocks_per_domain": true}}', "it must be a whole number from 1, or null"),
    ],
)
def test_bad_texts(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(text)
    assert message in str(raised.value)
    assert WHERE in str(raised.value)


def test_a_protected_address_is_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        parse({"queue_urls": URL, "never_block": ["jane.doe@"]})
    assert "jane" not in str(raised.value)


def test_defaults() -> None:
    found = parse({"queue_urls": URL})
    assert found.queue_urls[0].region == "eu-west-1"
    assert (found.transient_grace_days, found.promotion, found.max_seconds) == (14, "age", 1_500)
    assert set(MEANINGS) == set(Settings.model_fields)


def test_a_run_overrides_and_is_told_where_it_was_wrong() -> None:
    assert parse({"queue_urls": URL}, {"transient_grace_days": 0}).transient_grace_days == 0
    with pytest.raises(SettingsError, match=r"max_seconds is 1; .* Change it in the run's Params"):
        parse({"queue_urls": URL}, {"max_seconds": 1})


def test_never_block_is_kept_as_keys() -> None:
    assert parse({"queue_urls": URL, "never_block": ["@Example.COM", "Jo <JO@x.de>"]}).never_block == (
        "@example.com",
        "jo@x.de",
    )


def test_signatures_are_checked_only_if_asked_for() -> None:
    assert parse({"queue_urls": URL}).rules.verify_signatures is False
    assert parse({"queue_urls": URL, "verify_signatures": True}).rules.verify_signatures is True
