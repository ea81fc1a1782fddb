"""Runs `make run ARGS=--once` and `make test` where nothing is installed by hand, as root and as an ordinary user.

`python3 -m dev.fresh` does all of it, in a bare Debian that debootstrap makes: python3, python3-venv, git, make and
what they need. Each account begins with a root file system of its own and a `git clone` of the checkout's HEAD.
Sources of packages, certificates and proxies are this machine's. Mounts and processes live in namespaces, and go with
them. Logs: build/fresh/. `--as user`, `run`, `test` restrict it, and what follows `--` goes to pytest:
`python3 -m dev.fresh --as user run test test -- tests/unit`.
"""

import argparse
import contextlib
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "build" / "fresh"
PACKAGES = ("python3", "python3-venv", "git", "make")
ACCOUNTS = {"root": Path("/root"), "user": Path("/home/user")}
NEEDED = ("debootstrap", "apt-get", "chroot", "git", "mount", "setpriv", "unshare")

# What says on this machine where packages come from, and by which certificates.
SETTINGS = ("/etc/resolv.conf", "/etc/hosts", "/etc/apt", "/etc/pip.conf", "/etc/xdg/pip", "/etc/uv")
SETTINGS_AT_HOME = (".pip/pip.conf", ".config/pip/pip.conf", ".config/uv/uv.toml")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
PASSED_ON = ("PIP_", "UV_", "PLAYWRIGHT_DOWNLOAD_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", *CERTIFICATE_VARIABLES)

# In namespaces of its own, for mounts and processes: all of it ends when it ends, or when we do, however that is.
ALONE = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--ipc", "--pid", "--fork", "--kill-child")
REMOVAL_SECONDS = 30

# The first process of the namespaces; all that it starts ends with it.
SCRIPT = """\
set -e
root=$1 account=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mkdir "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount --rbind /sys "$root/sys"
chroot --userspec="$account:$account" "$root" "$@"
exit $?
"""


def main(arguments: list[str]) -> int:
    """Returns 0 if everything passed."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python3 -m dev.fresh")
    parser.add_argument("what", nargs="*", metavar="run|test", help="in this order (default: run test)")
    parser.add_argument("--as", dest="accounts", action="append", choices=ACCOUNTS, help="an account (default: both)")
    options = parser.parse_args(arguments[:at])
    if unknown := set(options.what) - {"run", "test"}:
        parser.error(f"there are run and test, not {', '.join(sorted(unknown))}")
    _check_machine()
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, _interrupted)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    results = []
    with _removed(FOLDER / "base") as base, _removed(FOLDER / "root") as root:
        _say(f"Making a bare Debian with {', '.join(PACKAGES)}")
        _bootstrap(base)
        for account in options.accounts or ACCOUNTS:
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(["cp", "--archive", "--reflink=auto", base, root], check=True)
            _prepare(root, account)
            for number, what in enumerate(options.what or ["run", "test"], 1):
                log = FOLDER / f"{account}-{number}-{what}.log"
                command = {"run": ["make", "run", "ARGS=--once"], "test": ["make", "test"]}[what]
                if what == "test" and arguments[at + 1 :]:
                    command.append(f"ARGS={shlex.join(arguments[at + 1 :])}")
                results.append(_run(root, account, command, log))
    print("\n".join(line for line, _ in results))
    return int(any(status for _, status in results))


def _check_machine() -> None:
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        sys.exit(f"make fresh needs {', '.join(missing)}: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        sys.exit("make fresh makes a root file system, which only root may do: sudo make fresh")


def _bootstrap(base: Path) -> None:
    """Makes the root file system that every account begins with."""
    suite, mirror = _source()
    command = [
        *ALONE,
        "--mount-proc",
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        suite,
        str(base),
        mirror,
    ]
    log = FOLDER / "debootstrap.log"
    with log.open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status != 0:
        sys.exit(f"debootstrap ended with status {status}; its end:\n{_tail(log)}")
    for name in (*SETTINGS, CERTIFICATES, *(os.environ[name] for name in CERTIFICATE_VARIABLES if name in os.environ)):
        _copy(Path(name), base / name.lstrip("/"))


def _source() -> tuple[str, str]:
    """The suite that this machine runs, and the mirror that its apt takes packages from."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    suite = release.get("VERSION_CODENAME", "").strip('"')
    shown = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    for line in subprocess.run(shown, capture_output=True, text=True, check=True).stdout.splitlines():
        found, component, uri = line.split()
        if (found, component) == (suite, "main"):
            return suite, uri
    sys.exit(f"apt of this machine has no source of {suite or 'a Debian suite'}, component main: see /etc/apt")


def _prepare(root: Path, account: str) -> None:
    """Adds the account, its settings and its clone."""
    home = ACCOUNTS[account]
    if account != "root":
        subprocess.run(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", account], check=True)
    for name in SETTINGS_AT_HOME:
        _copy(Path.home() / name, root / home.relative_to("/") / name)
    subprocess.run(["chroot", root, "chown", "--recursive", f"{account}:{account}", home], check=True)
    bundle = root / "checkout.bundle"
    subprocess.run(["git", "-C", CHECKOUT, "bundle", "create", "--quiet", bundle, "HEAD"], check=True)
    clone = ["git", "-c", "advice.detachedHead=false", "clone", "--quiet", "/checkout.bundle", str(_clone(account))]
    _enter(root, account, home, clone, None).check_returncode()


def _run(root: Path, account: str, command: list[str], log: Path) -> tuple[str, int]:
    """Runs a command in the clone; returns a line about it, and its status."""
    _say(f"As {account}: {shlex.join(command)}; see {log.relative_to(CHECKOUT)}")
    began, used = time.monotonic(), _cpu_seconds()
    status = _enter(root, account, _clone(account), command, log).returncode
    wall, cpu = time.monotonic() - began, _cpu_seconds() - used
    if status != 0:
        print(_tail(log), flush=True)
    return f"{account:5} {shlex.join(command):40} status {status} after {wall:5.0f} s, {cpu:5.0f} s of CPU", status


def _enter(
    root: Path, account: str, where: Path, command: list[str], log: Path | None
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command in the root file system, in namespaces of its own."""
    environment = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON)}
    environment |= {"HOME": str(ACCOUNTS[account]), "USER": account, "LOGNAME": account, "LANG": "C.UTF-8"}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    variables = [f"{name}={value}" for name, value in environment.items()]
    inside = ["/usr/bin/env", "-i", f"--chdir={where}", f"PATH={path}", *variables, *command]
    outside = [*ALONE, f"--mount-proc={root / 'proc'}", "sh", "-c", SCRIPT, "sh", str(root), account, *inside]
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb")) if log else None
        errors = subprocess.STDOUT if log else None
        return subprocess.run(outside, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, check=False)


def _clone(account: str) -> Path:
    return ACCOUNTS[account] / "airflow-ses-bounces"


def _copy(source: Path, target: Path) -> None:
    """Copies a file or a folder of this machine, if it is there, in place of what is at the target."""
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)


@contextlib.contextmanager
def _removed(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        # Nothing is mounted in it: mounts were made in a namespace that is gone. A process that was killed may still
        # be about to end.
        deadline = time.monotonic() + REMOVAL_SECONDS
        while folder.exists():
            shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("make fresh was interrupted, and has cleaned up")
