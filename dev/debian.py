"""Debian's and Ubuntu's packages, unpacked into a folder: neither root nor a change of the system is needed."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from dev.finder import UnavailableError

# Left out of apt's configuration: what it would run besides, and where it would write.
_NOT_OURS = re.compile(r"(?i)^(APT::Update::|APT::Sandbox|AptCli::|DPkg::|Dir::(Cache|State|Log)\b|Debug::)")
_OWN = """\
Dir::State "{work}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{work}/cache";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Log "{work}/log";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "{work}/parts";
Debug::NoLocking "true";
APT::Sandbox::User "root";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
Acquire::Retries "1";
"""
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>/usr/share/fonts</dir>
  <dir>{folder}/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""


def is_debian() -> bool:
    """Tell whether the system is Debian itself: Ubuntu's Chromium, for one, is a snap."""
    with suppress(OSError):
        return "ID=debian" in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return False


def install_command(*packages: str) -> str:
    """Return the command that installs packages for everybody; in words where there is no apt."""
    if shutil.which("apt-get") is None:
        return f"{' and '.join(packages)}, with the package manager of this system"
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {' '.join(packages)}"


def unpack(packages: Iterable[str], folder: Path) -> None:
    """Unpack packages, and what they need and the system lacks, into a folder, which is replaced.

    apt's sources, keys and proxies are the system's; its lists and its cache are not.

    :raises UnavailableError: apt or dpkg is missing, or refuses.
    """
    for program in ("apt-get", "apt-config", "dpkg-deb"):
        if shutil.which(program) is None:
            raise UnavailableError(f"{program} is missing")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as made:
        work = Path(made)
        own = {**os.environ, "APT_CONFIG": str(_configuration(work)), "LC_ALL": "C"}
        # A source that can't be reached is a warning: another one may have the packages.
        warnings = _run(["apt-get", "update", "-qq"], own)
        install = ["apt-get", "install", "-qq", "--yes", "--download-only", "--no-install-recommends", *packages]
        _run(install, own, warnings)
        unpacked = work / "unpacked"
        unpacked.mkdir()
        for package in sorted((work / "cache" / "archives").glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(unpacked)], own)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def launcher(folder: Path, program: str) -> Path:
    """Write a script that starts an unpacked program with the libraries and fonts beside it; returns its path.

    :param program: its path within the packages, or an absolute one of a program from elsewhere.
    :raises UnavailableError: it is not there.
    """
    target = folder / program
    if not target.exists():
        raise UnavailableError(f"the packages hold no {program}")
    fonts = folder / "fonts.conf"
    fonts.write_text(_FONTS.format(folder=folder), encoding="utf-8")
    script = folder / f"run-{target.name}"
    script.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={shlex.quote(':'.join(map(str, _libraries(folder))))}"
        '"${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\n'
        f"export FONTCONFIG_FILE={shlex.quote(str(fonts))}\n"
        f'exec {shlex.quote(str(target))} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


def _configuration(work: Path) -> Path:
    """Write apt's configuration as the system has it, with folders of our own."""
    for name in ("state/lists/partial", "cache/archives/partial", "log", "parts"):
        (work / name).mkdir(parents=True)
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in dumped.splitlines() if not _NOT_OURS.match(line)]
    path = work / "apt.conf"
    path.write_text("\n".join(kept) + "\n" + _OWN.format(work=work), encoding="utf-8")
    return path


def _libraries(folder: Path) -> list[Path]:
    """Return the folders with shared libraries."""
    return sorted({path.parent for top in ("lib", "usr/lib") for path in (folder / top).rglob("lib*.so*")})


def _run(command: list[str], environment: dict[str, str], earlier: Sequence[str] = ()) -> list[str]:
    """Run a command, and return its warnings.

    :param earlier: warnings of the commands before it, which may be the reason why it fails.
    """
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        said = _lines(done.stderr, "E: ")[:1] or [f"{command[0]} ended with status {done.returncode}"]
        raise UnavailableError(", ".join([*said, *earlier[:1]]))
    return _lines(done.stderr, "W: ")


def _lines(text: str, beginning: str) -> list[str]:
    return [line.removeprefix(beginning).strip() for line in text.splitlines() if line.startswith(beginning)]
