"""The documentation as HTML; `make docs`. Its source folder is the repository: links mean the same in both."""

from __future__ import annotations

import tomllib
from pathlib import Path

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
