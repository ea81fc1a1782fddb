"""Debian's and Ubuntu's packages, unpacked into a folder: neither root nor a change of the system is needed."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
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
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
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


def install_command(package: str) -> str:
    """Return the command that installs a package for everybody."""
    if shutil.which("apt-get") is None:
        return f"{package}, with the package manager of this system"
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {package}"


def unpack(packages: Iterable[str], folder: Path) -> None:
    """Unpack packages, and what they need and the system lacks, into a folder, which is replaced.

    apt's sources, keys and proxies are the system's; its lists and its cache are not.

    :raises UnavailableError: apt or dpkg is missing, or refuses.
    """
    for program in ("apt-get", "apt-config", "dpkg-deb"):
        if shutil.which(program) is None:
            raise UnavailableError(f"{program} is missing")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as made:
        work = Path(made)
        own = {
            **os.environ,
            "APT_CONFIG": str(_configuration(work)),
            "LC_ALL": "C",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        _run(["apt-get", "update", "-qq"], own)
        install = ["apt-get", "install", "-qq", "--yes", "--download-only", "--no-install-recommends", *packages]
        _run(install, own)
        unpacked = work / "unpacked"
        unpacked.mkdir()
        for package in sorted((work / "cache" / "archives").glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(unpacked)], own)
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


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.startswith("E:")]
        raise UnavailableError(f"{' '.join(command[:2])} says: {(said or [f'status {done.returncode}'])[-1]}")
