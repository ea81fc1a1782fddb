"""What the documentation says of the code is there: files, names, and the answers to a newcomer's questions."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.blocks import PAGES, ROOT, spans

if TYPE_CHECKING:
    from ses_bounces.base.database.connection import Connection

FEW_FILES = 3
QUESTIONS = ROOT / "docs" / "questions.md"
FOLDERS = ("plugins", "include", "dags", "dev", "tests", "docs", "benchmarks")
# A file or a folder of ours; with an asterisk or braces it is a pattern.
_PATH = re.compile(rf"^(?:{'|'.join(FOLDERS)})/[\w./-]*$")
_DOTTED = re.compile(r"^(?!.*\.py$)ses_bounces(?:\.\w+)+(?:\(\))?$")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


def _questions() -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| (.+\?) \| `(.+?)` \| (.+) \|$", QUESTIONS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 10
    return rows


@pytest.mark.parametrize(("question", "word", "answer"), _questions())
def test_a_question_is_answered_where_it_is_said(question: str, word: str, answer: str) -> None:
    files = [(QUESTIONS.parent / link).resolve() for link in _LINK.findall(answer)]
    assert files, "it leads nowhere"
    code = [path for path in files if path.suffix != ".md"] or files
    assert any(word in path.read_text(encoding="utf-8") for path in code), f"{word} is in none of {code}"
    # What is named as code is named in that file as well.
    for name in re.findall(r"`(?:\w+\.)?(\w+)(?:\(\))?` of \[", answer):
        assert any(re.search(rf"\b{name}\b", path.read_text(encoding="utf-8")) for path in code), name


def test_a_word_to_look_for_is_one_guess() -> None:
    """Few files have it; or it is defined once, and that is the place."""
    sources = [path for folder in ("plugins", "include") for path in (ROOT / folder).rglob("*.*")]
    texts = {path: path.read_text(encoding="utf-8") for path in sources if path.suffix in (".py", ".sql", ".html")}
    for question, word, answer in _questions():
        named = {(QUESTIONS.parent / link).resolve() for link in _LINK.findall(answer)} & set(texts)
        having = {path for path, text in texts.items() if re.search(rf"\b{word}\b", text)}
        definition = re.compile(
            rf"^\s*(?:def|class) {word}\b|^{word}\b.* = |FUNCTION ses_bounces\.{word}\(", re.MULTILINE
        )
        defining = {path for path, text in texts.items() if definition.search(text)}
        if named and len(having) > FEW_FILES:
            assert defining, f"{question} {word} is in {len(having)} files"
            assert defining <= named, f"{question} {word} is defined in {defining - named} as well"


def test_files_that_are_named_exist() -> None:
    named = [(page, text) for page, text in spans() if _PATH.match(text)]
    assert len(named) > 20
    missing = sorted({f"{page.name}: {text}" for page, text in named if not (ROOT / text).exists()})
    assert not missing


def test_names_of_the_schema_and_the_package_exist(database: Connection) -> None:
    named = {(page.name, text.removesuffix("()")) for page, text in spans() if _DOTTED.match(text)}
    assert len(named) > 5
    wrong = [f"{page}: {name}" for page, name in sorted(named) if not _is_there(database, name)]
    assert not wrong


def _is_there(database: Connection, name: str) -> bool:
    if name.count(".") > 1:
        return _is_python(name)
    query = "SELECT to_regclass(%(name)s) IS NOT NULL OR to_regproc(%(name)s) IS NOT NULL"
    return database.execute(query, {"name": name}).fetchone() == (True,) or _is_python(name)


def _is_python(name: str) -> bool:
    for dots in range(name.count("."), -1, -1):
        parts = name.split(".")
        try:
            found = importlib.import_module(".".join(parts[: dots + 1]))
        except ModuleNotFoundError:
            continue
        for part in parts[dots + 1 :]:
            found = getattr(found, part, None)
        return found is not None
    return False


def test_pages_are_written_alike() -> None:
    """One title a page, in its first line: it is what the table of contents shows."""
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", Path(page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        titles = re.findall(r"^# .+$", text, re.MULTILINE)
        assert len(titles) == 1, page.name
        assert text.startswith(titles[0]), page.name
