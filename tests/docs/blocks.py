"""The documentation's examples, as a Markdown parser finds them: fenced blocks, and code in the prose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_MARKDOWN = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block. ``line``: of its fence, from 1; ``language``: the first word after the fence, maybe empty."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """Its place, as editors take it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Every block of every page, or those of some languages, in their order."""
    return [block for page in PAGES for block in blocks_of(page) if not languages or block.language in languages]


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page."""
    for token in _tokens(page):
        if token.type in ("fence", "code_block"):
            words = token.info.split() or [""]
            yield Block(page, (token.map or [0])[0] + 1, words[0], token.content)


def spans() -> Iterator[tuple[Path, str]]:
    """Every piece of code in the prose, without its backticks."""
    for page in PAGES:
        for token in _tokens(page):
            for child in token.children or ():
                if child.type == "code_inline":
                    yield page, child.content


def images() -> Iterator[tuple[Path, Path]]:
    """Every picture, with the page that shows it."""
    for page in PAGES:
        for token in _tokens(page):
            for child in token.children or ():
                if child.type == "image":
                    yield page, (page.parent / str(child.attrs["src"])).resolve()


def _tokens(page: Path) -> list[Token]:
    return _MARKDOWN.parse(page.read_text(encoding="utf-8"))
