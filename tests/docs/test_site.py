"""The documentation builds: no warning, no broken link or anchor, no page that can't be reached, no missing picture."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.pictures import FOLDER, GRID, NO_PAGE, OUTLINES, PICTURES, SHOWN, THEMES
from tests.docs.blocks import PAGES, ROOT, images
from tests.docs.commands import make_commands
from tests.kit.page_rights import CASES


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


def test_pictures_come_in_the_reader_s_theme(site: Path) -> None:
    page = (site / "docs" / "pages.html").read_text(encoding="utf-8")
    for name in PICTURES:
        for theme in THEMES:
            assert re.search(rf'<img[^>]*class="only-{theme}"[^>]*{name}-{theme}\.png', page), f"{name}, {theme}"
            assert (site / "_images" / f"{name}-{theme}.png").exists()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert 'src="http' not in text, path.name
        assert 'rel="stylesheet" type="text/css" href="http' not in text, path.name


def test_pictures_and_files_are_the_same() -> None:
    """What pages show is what the browser tests take, in the light and in the dark; each has its outline."""
    shown = {path.name for _page, path in images() if path.parent == FOLDER}
    taken = {f"{name}-{theme}.png" for name in (*PICTURES, GRID) for theme in THEMES}
    assert shown <= taken
    assert {path.name for path in FOLDER.glob("*.png")} == taken
    assert list(json.loads(OUTLINES.read_text(encoding="utf-8"))) == [*PICTURES, GRID]
    named = {name.removesuffix(".png").rpartition("-")[0] for name in shown}
    assert named == {*PICTURES, GRID}, "docs/pages.md shows each of them, README.md the grid"


def test_every_page_has_a_picture() -> None:
    asked = {route for route in CASES if route.startswith("GET ") and not route.startswith("GET /api/")}
    assert asked == {*SHOWN, *NO_PAGE}, "take a picture of it in tests/browser/pictures.py, or say why there is none"
    assert set(SHOWN.values()) <= set(PICTURES)
