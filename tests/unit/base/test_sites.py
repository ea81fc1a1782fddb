"""The names of what belongs to a site, and how sites are declared."""

from __future__ import annotations

from itertools import permutations

import pytest

from ses_bounces.base import sites
from ses_bounces.base.exceptions import SettingsError
from ses_bounces.base.sites import DAG_NAMES, Site


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITES", "DAG_ID_PREFIX"):
        monkeypatch.delenv(f"AIRFLOW__SES_BOUNCES__{name}", raising=False)


def test_without_a_declaration_there_is_one_without_a_name() -> None:
    assert sites.declared() == (Site(),)
    site = sites.find(None)
    assert (site.variable, site.aws_conn_id, site.postgres_conn_id, site.slug, site.title) == (
        "ses_bounces", "ses_bounces_aws", "ses_bounces_postgres", "ses-bounces", "Email Bounces",
    )  # fmt: skip
    assert [site.dag_id(name) for name in DAG_NAMES] == list(DAG_NAMES)


def test_a_named_site_has_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "news_de")
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__DAG_ID_PREFIX", "mail.")
    [site] = sites.declared()
    assert (site.variable, site.aws_conn_id, site.postgres_conn_id, site.slug, site.title) == (
        "ses_bounces_news_de", "ses_bounces_news_de_aws", "ses_bounces_news_de_postgres", "ses-bounces-news-de",
        "Email Bounces: news_de",
    )  # fmt: skip
    assert site.dag_id("ses_suppression_sync") == "mail.ses_bounces_news_de_suppression_sync"
    # The one without a name is there only where it is listed.
    with pytest.raises(SettingsError, match='There is no site "default"; there are: news_de'):
        sites.find(None)


def test_no_name_of_one_site_is_another_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["default", "a", "a_b", "b_a", "aws", "postgres", "bounces"]
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", ",".join(names))
    declared = sites.declared()
    for one, other in permutations(declared, 2):
        assert not {one.dag_id(name) for name in DAG_NAMES} & {other.dag_id(name) for name in DAG_NAMES}
        assert len({one.variable, other.variable}) == len({one.slug, other.slug}) == 2
        connections = [one.aws_conn_id, one.postgres_conn_id, other.aws_conn_id, other.postgres_conn_id]
        assert len(set(connections)) == 4


@pytest.mark.parametrize(
    "name", ["News", "1st", "a-b", "a b", "doctor", "setup", "a_lift_blocks", "x" * 31, "suppression_sync", "ä"]
)
def test_a_bad_name_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", name)
    with pytest.raises(SettingsError, match=r"can't be the name of a site.*AIRFLOW__SES_BOUNCES__SITES"):
        sites.declared()


def test_a_site_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "a,b,a")
    with pytest.raises(SettingsError, match="listed twice"):
        sites.declared()
