"""Every host that is asked, in every region of every partition: botocore's data lists it, or the settings say so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointResolutionError
from botocore.loaders import Loader

from ses_bounces.base.aws.clients import Place, open_client
from ses_bounces.base.regions import is_host_of_aws, is_region, region_of
from ses_bounces.base.settings import parse
from ses_bounces.classify.signature import DOMAINS, host_of
from ses_bounces.web.setting_texts import BY_KEY
from tests.unit.base.test_aws_clients import SERVICES

ROOT = Path(__file__).resolve().parents[3]
PARTITIONS = Loader().load_data("partitions")
REGIONS = {
    region: partition["id"]
    for partition in PARTITIONS["partitions"]
    for region in partition["regions"]
    if "global" not in region
}
FIRST = list({partition: region for region, partition in reversed(REGIONS.items())}.values())
# The rules that clients follow, and the older data that tells where a service is.
RULES = {
    service: EndpointProvider(Loader().load_service_model(service, "endpoint-rule-set-1"), PARTITIONS)
    for service in SERVICES
}
ISOLATED = ("aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")


def _listed() -> dict[tuple[str, str, bool], str]:
    """The hosts that botocore's data lists, by prefix, region and whether it is a FIPS endpoint."""
    found = {}
    for partition in Loader().load_data("endpoints")["partitions"]:
        for prefix in set(SERVICES.values()) & set(partition["services"]):
            service = partition["services"][prefix]
            usual = partition["defaults"] | service.get("defaults", {})
            for region, endpoint in service["endpoints"].items():
                named = {"service": prefix, "region": region, "dnsSuffix": partition["dnsSuffix"]}
                found[prefix, region, False] = endpoint.get("hostname", usual["hostname"]).format(**named)
                for variant in endpoint.get("variants", []):
                    if variant["tags"] == ["fips"]:
                        found[prefix, region, True] = variant["hostname"].format(**named)
    return found


LISTED = _listed()


def asked(service: str, region: str, *, fips: bool) -> str | None:
    """The host that a client of a service asks; None: botocore refuses to make one."""
    try:
        endpoint = RULES[service].resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=False)
    except EndpointResolutionError:
        return None
    return urlsplit(str(endpoint.url)).hostname


def lacking(*, fips: bool) -> dict[str, set[str]]:
    """The services of each region that have no host, or another than the one listed."""
    found: dict[str, set[str]] = {}
    for region in REGIONS:
        for service, prefix in SERVICES.items():
            host = asked(service, region, fips=fips)
            if host is None or host != LISTED.get((prefix, region, fips)):
                found.setdefault(region, set()).add(prefix)
    return found


def regions_in(text: str) -> set[str]:
    return {name for name in re.findall(r"`([a-z0-9-]+)`", text) if is_region(name)}


def section(title: str) -> str:
    page = (ROOT / "docs" / "iam.md").read_text(encoding="utf-8")
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_partition_is_looked_at() -> None:
    assert {"aws", "aws-cn", "aws-us-gov", "aws-eusc", *ISOLATED} <= set(REGIONS.values())


def test_each_host_is_listed_but_those_of_ses_that_the_page_names() -> None:
    found = lacking(fips=False)
    assert found == {region: {"email"} for region in regions_in(section("Regions without SES"))}


def test_with_fips_each_host_is_listed_where_the_settings_say() -> None:
    text = BY_KEY["use_fips_endpoint"].purpose
    assert regions_in(text) == set(REGIONS) - set(lacking(fips=True))
    assert regions_in(text) == regions_in(section("FIPS and TLS"))


@pytest.mark.parametrize("region", FIRST)
@pytest.mark.parametrize("fips", [False, True])
def test_our_clients_ask_that_host(monkeypatch: pytest.MonkeyPatch, region: str, fips: bool) -> None:
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    of_aws = {"conn_type": "aws", "login": "AKIAXXXX", "password": "secret"}
    monkeypatch.setenv("AIRFLOW_CONN_SES_BOUNCES_AWS", json.dumps(of_aws))
    for service in ("sqs", "sesv2"):
        client = open_client(service, Place("ses_bounces_aws", region), use_fips_endpoint=fips)
        # In isolated regions, botocore's rules and its list differ on SQS with FIPS.
        known = {asked(service, region, fips=fips), LISTED.get((SERVICES[service], region, fips))}
        assert urlsplit(client.meta.endpoint_url).hostname in known
        assert client.meta.partition == REGIONS[region]


@pytest.mark.parametrize("region", REGIONS)
def test_names_of_our_own_are_those_of_the_region(region: str) -> None:
    sns, sqs = LISTED["sns", region, False], LISTED["sqs", region, False]
    assert host_of(f"https://{sns}/SimpleNotificationService-0.pem") == sns
    assert host_of(f"https://{sns}.example/SimpleNotificationService-0.pem") is None
    for host in {sns, sqs, *(asked("sqs", region, fips=fips) or "" for fips in (False, True))}:
        assert (region_of(host), is_host_of_aws(host)) == (region, True)
    arn = f"arn:{REGIONS[region]}:sns:{region}:123456789012:topic"
    settings = parse({"queue_urls": f"https://{sqs}/123456789012/q", "allowed_topic_arns": [arn]})
    assert (settings.queue_urls[0].region, settings.allowed_topic_arns) == (region, (arn,))


def test_certificates_come_from_no_other_domain_than_botocore_s() -> None:
    # Each once, so that a partition that botocore drops is noticed as well.
    assert sorted(DOMAINS) == sorted({partition["outputs"]["dnsSuffix"] for partition in PARTITIONS["partitions"]})
