"""The documentation builds: no warning, no broken link or anchor, no page that can't be reached, no missing picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, images
from tests.docs.commands import make_commands

FOLDER = ROOT / "docs" / "images"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML, made by the command of `make docs`."""
    folder = tmp_path_factory.mktemp("site")
    (command,) = make_commands("docs", OUT=str(folder))
    assert command[1:3] == ["-W", "--nitpicky"]
    command[0] = str(Path(sys.executable).parent / Path(command[0]).name)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_page_is_there(site: Path) -> None:
    made = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert {page.relative_to(ROOT) for page in PAGES} <= made


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    first = (site / "docs" / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT).with_suffix(".html")
        assert name.name in first, f"{name} is not in the table of contents"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'src="http' not in text, path.name
        assert 'rel="stylesheet" type="text/css" href="http' not in text, path.name


def test_pictures_and_files_are_the_same() -> None:
    """Each picture that a page shows is there, and each that is there is shown (in the dark, it is the other's twin)."""
    shown = {path for _page, path in images()}
    assert {path for path in shown if not path.exists()} == set()
    assert {path.name for path in FOLDER.glob("*.png")} >= {path.name for path in shown}
