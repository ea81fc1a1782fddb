"""Programs that the tests need: which is taken, how it is set up, how it is known again, and what is said else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dev import finder
from dev.finder import Tool, ToolError, UnavailableError


@dataclass
class Machine:
    """What is installed, what each way gives, and which programs are no good; and what was done."""

    folder: Path
    installed: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    set_up: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def program(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch()
        return path

    def _problem(self, path: Path) -> str | None:
        self.tried.append(path.name)
        return self.broken.get(path.name)

    def _way(self, name: str) -> Callable[[Path], Path]:
        def way(folder: Path) -> Path:
            assert folder.is_dir()
            self.set_up.append(name)
            if name in self.refused:
                raise UnavailableError(self.refused[name])
            return self.program(name)

        return way

    def find(self) -> str:
        tool = Tool(
            name="a thing",
            folder="thing",
            purpose="The tests of things",
            installed=lambda: [self.program(name) for name in self.installed],
            looked_for="thing, thing-ng",
            ways=[(f"the {name}", self._way(name)) for name in ("download", "packages")],
            problem=self._problem,
            remedy=lambda: "sudo apt-get install thing",
        )
        return finder.find(tool, self.said.append).name


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    packages = tmp_path / "packages"
    packages.touch()
    monkeypatch.setattr(finder, "INSTALLED_PACKAGES", packages)
    return Machine(tmp_path / "programs")


def test_the_first_installed_one_that_works_is_taken(machine: Machine) -> None:
    machine.installed, machine.broken = ["stub", "good", "other"], {"stub": "it is a snap"}
    assert machine.find() == "good"
    assert (machine.set_up, machine.said) == ([], [])


def test_else_the_first_way_that_leads_to_one_that_works(machine: Machine) -> None:
    assert machine.find() == "download"
    assert machine.set_up == ["download"]
    assert machine.said == ["Setting up a thing from the download (once)"]


@pytest.mark.parametrize("how", ["refused", "broken"])
def test_the_next_way_is_gone_where_one_does_not_do(machine: Machine, how: str) -> None:
    getattr(machine, how)["download"] = "no"
    assert machine.find() == "packages"
    assert machine.set_up == ["download", "packages"]


def test_what_was_found_or_set_up_is_known_the_next_time(machine: Machine) -> None:
    machine.installed, machine.broken = ["stub"], {"stub": "it is a snap", "download": "no font"}
    assert [machine.find(), machine.find(), machine.find()] == ["packages"] * 3
    # Neither is anything tried again, what is no good included, nor set up again.
    assert machine.tried == ["stub", "download", "packages"]
    assert machine.set_up == ["download", "packages"]


def test_one_that_is_installed_later_is_preferred(machine: Machine) -> None:
    assert machine.find() == "download"
    machine.installed = ["good"]
    assert machine.find() == "good"


def test_a_program_that_changed_is_tried_again(machine: Machine) -> None:
    machine.installed = ["good"]
    machine.find()
    os.utime(machine.program("good"), ns=(1, 1))
    assert machine.find() == "good"
    assert machine.tried == ["good", "good"]


def test_all_are_tried_again_when_packages_came_or_went(machine: Machine) -> None:
    machine.broken = {"download": "libthing.so.1 is missing"}
    assert machine.find() == "packages"
    # What was unpacked needed a library of the system that is gone; and the other one's is there now.
    machine.broken = {"packages": "libother.so.1 is missing"}
    os.utime(finder.INSTALLED_PACKAGES, ns=(1, 1))
    assert machine.find() == "download"
    assert machine.find() == "download"
    assert machine.set_up == ["download", "packages"]


def test_one_that_was_set_up_and_removed_is_set_up_again(machine: Machine) -> None:
    machine.find()
    machine.program("download").unlink()
    assert machine.find() == "download"
    assert machine.set_up == ["download", "download"]


def test_what_cannot_be_had_is_one_sentence_with_reasons_and_the_command(machine: Machine) -> None:
    machine.installed, machine.broken = ["stub"], {"stub": "it is a snap", "packages": "no font"}
    machine.refused = {"download": "no such host"}
    with pytest.raises(ToolError) as raised:
        machine.find()
    stub, packages = machine.folder / "stub", machine.folder / "packages"
    assert str(raised.value) == (
        f"The tests of things need a thing, which can't be set up ({stub} does not work: it is a snap; the download: no "
        f"such host; the packages: {packages} does not work: no font); install it: sudo apt-get install thing"
    )
    # The next time may be better.
    machine.refused = {}
    assert machine.find() == "download"


def test_a_machine_without_any_says_what_was_looked_for(machine: Machine) -> None:
    machine.refused = {"download": "no such host", "packages": "apt-get is missing"}
    with pytest.raises(
        ToolError, match=r"\(there is no thing, thing-ng; the download: no such host; the packages: apt-"
    ):
        machine.find()


def test_a_full_disk_is_a_reason_like_others(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_name: str) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(machine, "program", full)
    with pytest.raises(ToolError, match=r"the download: \[Errno 28\] No space left on device; the packages: "):
        machine.find()


def test_a_cache_that_cannot_be_written_is_named(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(ToolError, match=r"can't be kept \(.*/cache.*; set XDG_CACHE_HOME to a folder"):
        machine.find()


def test_notes_that_were_cut_short_are_forgotten(machine: Machine, tmp_path: Path) -> None:
    machine.find()
    (tmp_path / "cache" / "airflow-ses-bounces" / "thing" / "verdicts.json").write_text('{"/a": {"fing')
    assert machine.find() == "download"


def test_two_at_once_set_it_up_once(machine: Machine) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(machine.find())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["download"] * 4
    assert machine.set_up == ["download"]


def test_the_cache_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert finder.cache() == tmp_path / ".cache" / "airflow-ses-bounces"
