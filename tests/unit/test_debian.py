"""Packages unpacked without root, from a repository of two: apt and dpkg are the real ones."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import debian, launcher
from dev.finder import UnavailableError

NOBODY = 65534

needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None, reason="apt and dpkg are not this system's"
)


def package(repository: Path, name: str, depends: str, path: str, text: str) -> None:
    """Builds a package with one file, and adds it to the repository's list."""
    content = repository / name
    (content / path).parent.mkdir(parents=True)
    (content / path).write_text(text)
    (content / path).chmod(0o755)
    control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: us\nDepends: {depends}\nDescription: ours\n"
    (content / "DEBIAN").mkdir()
    (content / "DEBIAN" / "control").write_text(control)
    file = repository / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", content, file], check=True, capture_output=True)
    shutil.rmtree(content)
    data = file.read_bytes()
    with (repository / "Packages").open("a") as packages:
        packages.write(
            f"{control}Filename: ./{file.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
        )


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is closed to other users."""
    parent = launcher.watch().folder
    # Others may pass through it to what they know the name of.
    parent.chmod(0o711)
    with tempfile.TemporaryDirectory(prefix="unpacked-", dir=parent, ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that is apt's only source; apt would run something after each update."""
    folder = tmp_path / "repository"
    folder.mkdir()
    package(folder, "ours-tool", "ours-lib, base-files", "usr/bin/ours", '#!/bin/sh\necho "$1 $LD_LIBRARY_PATH"\n')
    package(folder, "ours-lib", "base-files", "usr/lib/ours/libours.so.1", "")
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] copy:{folder} ./\n")
    configuration = tmp_path / "apt.conf"
    configuration.write_text(
        f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n'
        f'APT::Update::Post-Invoke:: "touch {tmp_path}/hook-ran";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    return folder


def unpacked_as(user: int | None, target: Path) -> bool:
    """Unpacks in a process of a user, whether or not that one may read this Python."""
    child = os.fork()
    if child == 0:
        try:
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            debian.unpack(["ours-tool"], target)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{error}\n")
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


@needs_apt
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("user", [None, NOBODY], ids=["as we are", "as an ordinary user"])
def test_a_package_and_what_it_needs_is_unpacked_and_the_system_left_alone(user: int | None, tmp_path: Path) -> None:
    if user is not None and os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(0o777)
    target = place / "unpacked"
    assert unpacked_as(user, target)
    assert {path.name for path in target.rglob("*") if path.is_file()} == {"ours", "libours.so.1"}
    # Lists and archives are gone again; base-files, which is installed, was not fetched.
    assert [path.name for path in place.iterdir()] == ["unpacked"]
    assert not (tmp_path / "hook-ran").exists()
    assert subprocess.run(["dpkg-query", "--show", "ours-lib"], capture_output=True, check=False).returncode != 0


@needs_apt
@pytest.mark.usefixtures("repository")
def test_the_launcher_leads_to_the_libraries_also_where_a_path_has_a_space(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    debian.unpack(["ours-tool"], folder)
    script = debian.launcher(folder, "usr/bin/ours")
    said = subprocess.run([script, "x y"], capture_output=True, text=True, check=True).stdout
    assert said.partition(":")[0].strip() == f"x y {folder}/usr/lib/ours"


@needs_apt
def test_refusals_say_what_apt_says(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"^Unable to locate package no-such-tool$"):
        debian.unpack(["no-such-tool"], tmp_path / "unpacked")
    (repository / "ours-lib.deb").unlink()
    with pytest.raises(UnavailableError, match=r"ours-lib"):
        debian.unpack(["ours-tool"], tmp_path / "unpacked")
    shutil.rmtree(repository)
    with pytest.raises(UnavailableError, match=r"Failed to fetch copy:.*repository"):
        debian.unpack(["ours-tool"], tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


@needs_apt
@pytest.mark.usefixtures("repository")
def test_a_package_without_the_program_is_said_to_be_one(tmp_path: Path) -> None:
    debian.unpack(["ours-lib"], tmp_path / "unpacked")
    with pytest.raises(UnavailableError, match="the packages hold no usr/bin/ours"):
        debian.launcher(tmp_path / "unpacked", "usr/bin/ours")


def test_a_system_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="apt-get is missing"):
        debian.unpack(["ours-tool"], tmp_path / "unpacked")
    assert debian.install_command("a", "b") == "a and b, with the package manager of this system"


@pytest.mark.parametrize(("user", "command"), [(0, "apt-get install a b"), (1000, "sudo apt-get install a b")])
def test_the_command_that_installs(user: int, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert debian.install_command("a", "b") == command
