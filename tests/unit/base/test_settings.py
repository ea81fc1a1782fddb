"""Email Bounce Settings: each bad value is refused with key, value, range and place."""

from __future__ import annotations

from typing import Any

import pytest

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.settings import MEANINGS, Settings, SettingsForSetup, lowered, parse
from ses_bounces.base.sites import Site

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/ses-bounces-queue"
# All that a run may lower for itself: anything else needs the right to the settings.
LIMITS = ("max_seconds", "max_messages", "max_drainers")
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


@pytest.mark.parametrize("key", [key for key, meaning in MEANINGS.items() if "a whole number" in meaning])
def test_a_whole_number_may_be_written_as_json_may_write_it(key: str) -> None:
    found = getattr(parse(f'{{"queue_urls": "{URL}", "{key}": 14.0}}'), key)
    assert (found, type(found)) == (14, int)


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


def test_a_run_may_lower_its_limits_and_is_told_where_it_was_wrong() -> None:
    settings = parse({"queue_urls": URL, "max_seconds": 900, "max_drainers": 2})
    found = lowered(settings, {"max_seconds": 60, "max_messages": 10, "max_drainers": None})
    assert (found.max_seconds, found.max_messages, found.max_drainers) == (60, 10, 2)
    assert lowered(settings, {"max_seconds": 900}) == settings
    with pytest.raises(SettingsError, match=r"max_seconds is 1; .* Change it in the run's Params"):
        lowered(settings, {"max_seconds": 1})


@pytest.mark.parametrize("key", LIMITS)
def test_a_run_may_not_raise_a_limit(key: str) -> None:
    settings = parse({"queue_urls": URL, key: 20})
    with pytest.raises(SettingsError, match=rf"{key} is 21; a run may only lower it, and it is 20 in the settings\."):
        lowered(settings, {key: 21})


@pytest.mark.parametrize("key", sorted(set(Settings.model_fields) - set(LIMITS)))
def test_a_run_sets_nothing_else(key: str) -> None:
    """Airflow lets the conf of a run have any key."""
    settings = parse({"queue_urls": URL})
    for value in (0, 1, True, "x", ["x"]):
        assert lowered(settings, {key: value}) == settings


def test_feeds_are_identities_or_objects() -> None:
    found = parse({"queue_urls": URL, "feeds": ["example.com", {"identity": "b.example", "queue": "b"}]}).feeds
    assert [(feed.identity, feed.queue, feed.deliveries) for feed in found] == [
        ("example.com", None, True),
        ("b.example", "b", True),
    ]
    assert parse({"queue_urls": URL, "feeds": "example.com"}).feeds == found[:1]
    with pytest.raises(SettingsError, match=r"feeds\.0\.quue is not a setting; it must be one of identity, region, "):
        parse({"queue_urls": URL, "feeds": [{"identity": "b.example", "quue": "b"}]})
    with pytest.raises(SettingsError) as raised:
        parse({"queue_urls": URL, "feeds": [{"identity": "jane@b.example", "deliveries": "jane@b.example"}]})
    assert "jane" not in str(raised.value)


def test_before_the_setup_there_is_no_queue() -> None:
    found = parse({"feeds": ["example.com"]}, model=SettingsForSetup)
    assert (found.queue_urls, found.aws_conn_id) == ((), "ses_bounces_aws")
    with pytest.raises(SettingsError, match="queue_urls is missing"):
        parse({"feeds": ["example.com"]})


PINS: list[tuple[str, str, Any, Any]] = [
    ("feeds", "example.com, b.example", ["example.com", "b.example"], ["example.com"]),
    ("feeds", '[{"identity": "example.com"}]', [{"identity": "example.com"}], ["b.example"]),
    ("aws_conn_id", "ours", "ours", "theirs"),
    ("postgres_conn_id", "ours", "ours", "theirs"),
    ("people_table", "public.people", "public.people", "public.salaries"),
    ("people_table", "", None, "public.people"),
    ("people_id_column", "id", "id", "salary"),
    ("people_email_column", "mail", "mail", "salary"),
    ("people_flag_column", "mailable", "mailable", "may_login"),
]


@pytest.mark.parametrize(("key", "pin", "same", "other"), PINS)
@pytest.mark.parametrize("site", [Site(), Site("news")])
def test_what_is_pinned_can_not_be_set(
    monkeypatch: pytest.MonkeyPatch, site: Site, key: str, pin: str, same: Any, other: Any
) -> None:
    section, another = ("SES_BOUNCES", "SES_BOUNCES_NEWS")[:: 1 if site.is_default else -1]
    monkeypatch.setenv(f"AIRFLOW__{section}__{key.upper()}", pin)
    with site.current():
        default = parse({"queue_urls": URL})
        assert parse({"queue_urls": URL, key: same}) == default
        assert getattr(default, key) == getattr(Settings(queue_urls=URL, **{key: same}), key)
        with pytest.raises(SettingsError) as raised:
            parse({"queue_urls": URL, key: other})
        assert str(raised.value).startswith(f"{key} can't be set to anything else: Airflow's configuration pins it")
        assert f"AIRFLOW__{section}__{key.upper()}" in str(raised.value)
    monkeypatch.delenv(f"AIRFLOW__{section}__{key.upper()}")
    # Each site has its own.
    monkeypatch.setenv(f"AIRFLOW__{another}__{key.upper()}", pin)
    with site.current():
        assert parse({"queue_urls": URL, key: other})


@pytest.mark.parametrize("key", ["queue_urls", "feeds"])
def test_where_the_connection_is_pinned_nothing_names_another_one(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    of = {"queue_urls": {"url": URL}, "feeds": {"identity": "example.com"}}[key]
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__AWS_CONN_ID", "ours")
    for same in (of, of | {"aws_conn_id": "ours"}, of | {"aws_conn_id": None}):
        assert parse({"queue_urls": URL, key: [same]}).aws_conn_id == "ours"
    for other in ([of | {"aws_conn_id": "theirs"}], of | {"aws_conn_id": "theirs"}):
        with pytest.raises(SettingsError, match=f"{key} names another connection to AWS than the one that Airflow's"):
            parse({"queue_urls": URL, key: other})
    with pytest.raises(SettingsError, match=key):
        parse({"queue_urls": URL, key: [of | {"aws_conn_id": ["theirs"]}]})
    # Whoever pins feeds says which connections those have.
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__FEEDS", '[{"identity": "example.com", "aws_conn_id": "theirs"}]')
    assert parse({"queue_urls": URL}).feeds[0].aws_conn_id == "theirs"


@pytest.mark.parametrize(
    ("key", "pin", "message"),
    [
        ("feeds", "[", r"feeds is not JSON .*\[ses_bounces\] feeds in airflow.cfg"),
        ("people_flag_column", "", r"people_flag_column is null; .*Change \[ses_bounces\] people_flag_column"),
    ],
)
def test_a_pin_that_is_not_good_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, key: str, pin: str, message: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__SES_BOUNCES__{key.upper()}", pin)
    with pytest.raises(SettingsError, match=message):
        parse({"queue_urls": URL})


def test_never_block_is_kept_as_keys() -> None:
    assert parse({"queue_urls": URL, "never_block": ["@Example.COM", "Jo <JO@x.de>"]}).never_block == (
        "@example.com",
        "jo@x.de",
    )


def test_signatures_are_checked_only_if_asked_for() -> None:
    assert parse({"queue_urls": URL}).rules.verify_signatures is False
    assert parse({"queue_urls": URL, "verify_signatures": True}).rules.verify_signatures is True
