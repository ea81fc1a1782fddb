"""Regions and hosts of AWS, by the list of botocore."""

from __future__ import annotations

import boto3
import pytest
from botocore.loaders import Loader

from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.regions import is_host_of_aws, is_region, region_of
from ses_bounces.base.settings import parse

REGIONS = [
    region
    for partition in Loader().load_data("partitions")["partitions"]
    for region in partition["regions"]
    if "global" not in region
]


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_of_botocore_is_one(region: str) -> None:
    assert is_region(region)
    host = boto3.client("sqs", region, aws_access_key_id="x", aws_secret_access_key="x").meta.endpoint_url
    url = f"{host}/123456789012/q"
    settings = parse({"queue_urls": url, "ses_regions": [region]})
    assert settings.queue_urls[0].region == region
    assert settings.ses_regions == (region,)


@pytest.mark.parametrize(
    ("host", "region", "is_of_aws"),
    [
        ("sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", True),
        ("sqs.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", True),
        ("sqs-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", True),
        ("sqs.eu-west-1.api.aws", "eu-west-1", True),
        ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", True),
        ("vpce-0a1b2c3d4e-a1b2c3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com", "us-east-1", True),
        ("eu-west-1.queue.amazonaws.com", "eu-west-1", True),
        ("queue.amazonaws.com", "us-east-1", True),
        # Opened after botocore was released.
        ("sqs.ap-southwest-4.amazonaws.com", "ap-southwest-4", True),
        ("sqs.amazonaws.com", None, True),
        ("sqs.eu-central-1.localhost.localstack.cloud", "eu-central-1", False),
        ("127.0.0.1", None, False),
        ("localhost", None, False),
    ],
)
def test_the_region_that_a_host_names(host: str, region: str | None, is_of_aws: bool) -> None:
    assert region_of(host) == region
    assert is_host_of_aws(host) is is_of_aws


@pytest.mark.parametrize("region", ["", "eu-west", "EU-WEST-1", "aws-global", "xx-west-1", "eu-west-1.evil.example"])
def test_what_is_no_region(region: str) -> None:
    assert not is_region(region)
    with pytest.raises(SettingsError, match="ses_regions"):
        parse({"queue_urls": "http://localhost/1/q", "ses_regions": [region]})


def test_a_queue_in_no_region_is_refused_rather_than_asked_for_elsewhere() -> None:
    with pytest.raises(SettingsError, match=r"sqs\.xx-west-1\.amazonaws\.com names none"):
        parse({"queue_urls": "https://sqs.xx-west-1.amazonaws.com/123456789012/q"})
    # An endpoint of one's own needs none: the connection has it.
    assert parse({"queue_urls": "http://localhost:4566/1/q"}).queue_urls[0].region is None
