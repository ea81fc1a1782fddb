"""The plugin as Airflow finds it: what its import costs a task, how it is registered, where it shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

from ses_bounces.plugin import SesBouncesPlugin
from tests.kit.plugin_modules import PLUGIN_MODULES

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
HREF, URL_PREFIX = "ses-bounces/", "/ses-bounces"
RESERVED = ("/api/v2", "/ui", "/execution", "/auth", "/pluginsv2")

IMPORT = """
import json, sys
import airflow.listeners, airflow.plugins_manager
before = set(sys.modules)
from ses_bounces.plugin import SesBouncesPlugin
plugin = SesBouncesPlugin()
assert plugin.listeners
added = set(sys.modules) - before
assert plugin.fastapi_apps[0]["app"]
print(json.dumps([sorted(added), sorted(set(sys.modules) - before - added)]))
"""
LOAD = """
import json, sys
import airflow.plugins_manager as manager
plugins, errors = manager._get_plugins()
ours = [p for p in plugins if p.name == "ses_bounces"]
print(json.dumps({
    "plugins": [type(p).__module__ for p in ours],
    "errors": errors,
    "file": sys.modules["ses_bounces.plugin"].__file__ if "ses_bounces.plugin" in sys.modules else None,
    "stems": sorted({"tables", "models", "settings", "drain", "ledger"} & set(sys.modules)),
    "app": "fastapi" in sys.modules,
}))
"""
# Takes the installed package away: neither its entry point nor its way onto the path is there.
NOT_INSTALLED = """
import sys
import importlib.metadata, importlib_metadata
sys.path[:] = [path for path in sys.path if not path.rstrip("/").endswith("/plugins")]
def without(found):
    return lambda **options: (d for d in found(**options) if d.metadata["Name"] != "airflow-ses-bounces")
for module in (importlib.metadata, importlib_metadata):
    module.distributions = without(module.distributions)
    assert not module.entry_points(group="airflow.plugins", name="ses_bounces")
"""


def python(code: str, tmp_path: Path, plugins: Path | None) -> Any:
    """What a program prints in a process of its own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = own | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins or tmp_path / "none"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_task_imports_nothing_but_the_plugin_and_the_server_the_app(tmp_path: Path) -> None:
    added, with_the_app = python(IMPORT, tmp_path, None)
    # Not a millisecond is measured: a module that costs some would have to be among these.
    assert added == PLUGIN_MODULES
    assert {"ses_bounces.web.app", "ses_bounces.web.render", "airflow.api_fastapi.core_api.security"} <= set(
        with_the_app
    )


@pytest.mark.parametrize(
    ("before", "plugins", "module"),
    [
        pytest.param("", None, "ses_bounces.plugin", id="installed"),
        pytest.param("", PLUGINS, "ses_bounces.plugin", id="installed, and the folder of a checkout"),
        pytest.param(NOT_INSTALLED, PLUGINS, "ses_bounces.plugin", id="the folder of a checkout"),
    ],
)
def test_there_is_one_plugin_and_no_import_error(
    tmp_path: Path, before: str, plugins: Path | None, module: str
) -> None:
    found = python(before + LOAD, tmp_path, plugins)
    assert found["plugins"] == [module]
    assert found["errors"] == {}
    assert found["file"] == str(PLUGINS / "ses_bounces" / "plugin.py")
    # The package's files are not executed a second time under their bare names.
    assert found["stems"] == []
    assert found["app"] is False


def test_without_either_there_is_none(tmp_path: Path) -> None:
    assert python(NOT_INSTALLED + LOAD, tmp_path, None)["plugins"] == []


def test_airflow_knows_where_it_is_to_show() -> None:
    known = set(get_args(get_type_hints(ExternalViewResponse)["destination"]))
    assert {"nav", "dag"} <= known
    for view in SesBouncesPlugin().external_views:
        assert view["destination"] in known
        # One that Airflow's own model refuses makes the whole plugin vanish from the menu.
        assert ExternalViewResponse.model_validate(view).name in ("Bounces", "Email Bounces")


def test_one_entry_in_the_menu_and_one_tab_each_with_a_place_of_its_own() -> None:
    views = SesBouncesPlugin().external_views
    assert [view["destination"] for view in views] == ["nav", "dag"]
    routes = [view["url_route"] for view in views]
    assert len(set(routes)) == len(routes)


def test_links_are_relative_and_lead_below_the_prefix() -> None:
    for view in SesBouncesPlugin().external_views:
        for key in ("href", "icon", "icon_dark_mode"):
            assert view[key].startswith(HREF)
            assert not view[key].startswith(("/", "http"))
    assert f"/{HREF}" == f"{URL_PREFIX}/"
    assert not URL_PREFIX.startswith(RESERVED)


def test_icons_are_there() -> None:
    for view in SesBouncesPlugin().external_views:
        for key in ("icon", "icon_dark_mode"):
            assert (PLUGINS / "ses_bounces" / "web" / view[key].removeprefix(HREF)).is_file()


def test_each_site_has_an_entry_a_tab_and_an_app_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SES_BOUNCES__SITES", "default,news_de")
    plugin = SesBouncesPlugin()
    assert [(view["name"], view["href"], view["url_route"]) for view in plugin.external_views] == [
        ("Bounces", "ses-bounces/", "ses-bounces"),
        ("Email Bounces", "ses-bounces/", "ses-bounces-dag"),
        ("Bounces: news_de", "ses-bounces-news-de/", "ses-bounces-news-de"),
        ("Email Bounces: news_de", "ses-bounces-news-de/", "ses-bounces-news-de-dag"),
    ]
    for view in plugin.external_views:
        ExternalViewResponse.model_validate(view)
    apps = plugin.fastapi_apps
    assert [app["url_prefix"] for app in apps] == ["/ses-bounces", "/ses-bounces-news-de"]
    assert len({id(app["app"]) for app in apps}) == 2
