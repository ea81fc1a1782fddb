"""The documentation as HTML; `make docs`. Its source folder is the repository: links mean the same in both."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_ROOT = Path(__file__).resolve().parents[1]
with (_ROOT / "pyproject.toml").open("rb") as _file:
    _PROJECT = tomllib.load(_file)["project"]

project = _PROJECT["name"]
release = version = _PROJECT["version"]
author = "the authors of airflow-ses-bounces"
copyright = author

root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["*.md", "docs/**"]
# What is not walked through: it has thousands of files, and none of ours.
exclude_patterns = [".*", "build", "dist", "benchmarks", "dags", "dev", "include", "plugins", "tests"]
templates_path = ["_templates"]
nitpicky = True
keep_warnings = True

myst_heading_anchors = 4
# Straight quotes and `--` are to be copied to a shell as they are.
smartquotes = False

html_theme = "furo"
html_title = f"{project} {release}"
html_show_sourcelink = False
html_copy_source = False
# Who opens the folder comes to the first page.
html_additional_pages = {"index": "redirect.html"}


class DarkTwins(SphinxTransform):
    """Beside each picture called `…-light.png` the one called `…-dark.png`; furo's classes show one of them."""

    default_priority = 400

    def apply(self, **_options: Any) -> None:
        """Add them to a page."""
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].endswith("-light.png"):
                twin = image.deepcopy()
                twin["uri"] = image["uri"].replace("-light.png", "-dark.png")
                image["classes"].append("only-light")
                twin["classes"].append("only-dark")
                image.parent.insert(image.parent.index(image) + 1, twin)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the transform known."""
    app.add_transform(DarkTwins)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
