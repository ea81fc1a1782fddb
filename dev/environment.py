"""Makes the virtual environment .venv, or brings it up to date: `python3 dev/environment.py run` (or `test`).

Needs nothing but the standard library, and starts on any Python from 3.6, so that an unsuitable one can say so.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
UV = os.path.join(VENV, "bin", "uv")
UV_REQUIREMENT = "uv>=0.8"

OLDEST, NEWEST = (3, 11), (3, 13)
# Whoever has the second has the first.
INCLUDED_IN = {"run": ("run", "test"), "test": ("test",)}
# Without .pyc files every start of Airflow takes three times as long.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main(group):
    """Install the project and one of its dependency groups, unless that is done."""
    wanted = digest()
    if suitable(VENV_PYTHON) and any(read(stamp(name)) == wanted for name in INCLUDED_IN[group]):
        return
    print("Making the Python environment in .venv (once; again when the requirements change)", flush=True)
    if not suitable(VENV_PYTHON):
        run(find_python(), "-m", "venv", "--clear", VENV)
    if not os.path.exists(UV):
        if subprocess.call([VENV_PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) != 0:
            run(VENV_PYTHON, "-m", "ensurepip")
        run(VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV_REQUIREMENT)
    install = [UV, "pip", "install", "--quiet", "--python", VENV_PYTHON, "--compile-bytecode"]
    run(*install, "--constraint", "constraints.txt", "--editable", ".", "--group", group)
    run(VENV_PYTHON, "-m", "dev.template")
    with open(stamp(group), "w") as file:
        file.write(wanted)


def find_python():
    """Find an interpreter of a version that is supported; ends the program if there is none."""
    names = ["python3"] + [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    candidates = [sys.executable] + [path for path in map(shutil.which, names) if path]
    for candidate in candidates:
        if suitable(candidate):
            return candidate
    sys.exit(f"This needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, and none of these is: {', '.join(candidates)}")


def suitable(python):
    """Tell whether an interpreter is there and of a supported version."""
    code = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    try:
        return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def digest():
    """Fingerprint of everything that decides what is installed."""
    found = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt", os.path.join("dev", "environment.py")):
        with open(os.path.join(ROOT, name), "rb") as file:
            found.update(file.read())
    return found.hexdigest()


def stamp(group):
    """Name the file that says with which fingerprint a group was installed."""
    return os.path.join(VENV, "installed-" + group)


def read(path):
    """Return the text of a file; None if there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def run(*command):
    """Run a command in the repository; ends the program with a hint if it fails."""
    status = subprocess.call(command, cwd=ROOT, env=ENVIRONMENT)
    if status != 0:
        hint = " (on Debian and Ubuntu it needs the package python3-venv)" if "venv" in command else ""
        sys.exit(f"failed{hint}: {' '.join(command)}")


if __name__ == "__main__":
    # By default what it runs would go on.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    if len(sys.argv) != 2 or sys.argv[1] not in INCLUDED_IN:
        sys.exit(__doc__)
    main(sys.argv[1])
