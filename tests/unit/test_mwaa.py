"""The trial of Amazon MWAA is of what its page says, and tells a state that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.mwaa import trial
from dev.mwaa.image import HAS, PSYCOPG, Image
from dev.mwaa.stack import DAG_FILE, USERS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("version", "added"), [("3.2.1", {"psycopg", "psycopg-binary", "pygal"}), ("3.3.1", {"pygal"})]
)
def test_what_is_added_to_an_image_is_pinned_and_not_in_it(version: str, added: set[str], tmp_path: Path) -> None:
    image = Image(version, tmp_path)
    assert set(image.added()) == added
    pinned = {line.partition("==")[0].lower() for line in image.pins.read_text(encoding="utf-8").splitlines()}
    has = {name.partition("[")[0] for name in (*HAS, *(PSYCOPG if version == "3.3.1" else ()))}
    assert has <= pinned


def test_each_version_is_of_the_matrix_and_of_the_page() -> None:
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    assert f"| step | {' | '.join(trial.VERSIONS)} |" in text
    for version in trial.VERSIONS:
        assert Image(version, ROOT).pins.exists()


def test_the_dag_file_is_that_of_the_page_but_for_its_schedule() -> None:
    page = (ROOT / "docs" / "mwaa.md").read_text(encoding="utf-8")
    assert DAG_FILE.replace('schedule={"ses_bounces": None}', "") in page


def test_each_role_has_a_user_and_rights() -> None:
    assert list(USERS) == list(trial.MAY)
    assert set(trial.PATHS.values()) == trial.MAY["Admin"]


def test_what_is_wrong_ends_the_trial() -> None:
    said: list[str] = []
    made = trial.Trial(None, said.append)  # type: ignore[arg-type]
    made.expect("messages", 70, 70)
    with pytest.raises(trial.WrongError, match=r"^messages: 69; it must be 70$"):
        made.expect("messages", 69, 70)
    assert said == ["messages: 70"]
