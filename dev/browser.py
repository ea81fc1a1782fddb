"""The browser that the tests drive: what is looked for, how one is set up, and whether it works.

`python -m dev.browser PATH` starts a program as the tests do, and ends with 0 if it shows a page.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from dev import debian, finder
from dev.finder import Tool, UnavailableError, on_path

# What a browser is started with. Its sandbox needs a user namespace, which root and containers don't have.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Debian's, and a font: a bare machine has none.
PACKAGES = ("chromium", "fonts-dejavu-core")
NODE_LIBRARY = "libatomic1"
PROGRAM = "usr/lib/chromium/chromium"
START_SECONDS = 60
# How long a server is waited for that does not answer; Playwright asks five times.
ANSWER_MILLISECONDS = "5000"
# As Playwright's download calls it, by its version and platform.
_DOWNLOADED = ("chrome-headless-shell", "headless_shell")
_PLAYWRIGHT = [sys.executable, "-m", "playwright"]
# Lines of a browser that says why it ends, before those of Playwright, which says that it has ended.
_TELLING = (r"error while loading shared libraries.*", r"(?i)\bfatal\b.*", r"(?i)requires the chromium snap.*")


def problem(path: Path) -> str | None:
    """Tell why a browser is of no use; None if it shows a page with text."""
    command = [sys.executable, "-m", "dev.browser", str(path)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment()},
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"it shows no page within {START_SECONDS} s"
    if done.returncode == 0:
        return None
    found = next((match[0] for pattern in _TELLING if (match := re.search(pattern, done.stderr))), None)
    return found or (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]


def _from_playwright(folder: Path) -> Path:
    """Downloads the browser that belongs to Playwright, to its own cache."""
    own = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": ANSWER_MILLISECONDS, **os.environ, **environment()}
    install = [*_PLAYWRIGHT, "install", "--only-shell", "chromium"]
    done = subprocess.run(install, env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = re.findall(r"^Error: (.*)", f"{done.stderr}\n{done.stdout}", re.MULTILINE)
        raise UnavailableError((said or [f"status {done.returncode}"])[0])
    shown = subprocess.run([*install, "--dry-run"], env=own, capture_output=True, text=True, check=True).stdout
    places = [Path(place.strip()) for place in re.findall(r"Install location:(.*)", shown)]
    paths = [path for place in places for name in _DOWNLOADED for path in place.rglob(name) if path.is_file()]
    if not paths:
        raise UnavailableError(f"no browser is in {', '.join(map(str, places))}")
    if "shared libraries" in (problem(paths[0]) or ""):
        return _with_libraries(folder / "playwright", paths[0])
    return paths[0]


def _with_libraries(folder: Path, program: Path) -> Path:
    """Puts the libraries that Playwright's browser lacks beside it."""
    asked = [*_PLAYWRIGHT, "install-deps", "--dry-run", "chromium"]
    own = {**os.environ, **environment()}
    shown = subprocess.run(asked, env=own, capture_output=True, text=True, check=False).stdout
    names = {name for name in re.findall(r"(?<![\w.-])lib[a-z0-9][a-z0-9.+-]*", shown) if not name.endswith("-dev")}
    debian.unpack([*sorted(names), "fonts-dejavu-core"], folder)
    return debian.launcher(folder, str(program))


def _from_debian(folder: Path) -> Path:
    debian.unpack(PACKAGES, folder / "debian")
    return debian.launcher(folder / "debian", PROGRAM)


def _remedy() -> str:
    """Name the command that installs all of it, whatever of it was missing."""
    if debian.is_debian() or not on_path("apt-get"):
        return debian.install_command("chromium", NODE_LIBRARY)
    # Ubuntu's own package is a snap.
    return f"{debian.install_command(NODE_LIBRARY)} && .venv/bin/playwright install --with-deps chromium"


def _nodes() -> list[Path]:
    spec = importlib.util.find_spec("playwright")
    found = Path(spec.origin).parent / "driver" / "node" if spec and spec.origin else None
    return [found] if found and found.exists() else []


def _node_with_library(folder: Path) -> Path:
    debian.unpack([NODE_LIBRARY], folder / "debian")
    return debian.launcher(folder / "debian", str(_nodes()[0]))


# Playwright's own; it needs a library that a bare machine lacks.
NODE = Tool(
    name="Playwright's Node.js",
    # This environment's: what is kept starts the program in it.
    folder=f"node-{hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]}",
    purpose="The browser tests",
    installed=_nodes,
    looked_for="node in the Python package playwright",
    ways=((f"Debian's package {NODE_LIBRARY}", _node_with_library),),
    problem=finder.version_problem,
    remedy=_remedy,
    driver="playwright",
)


def environment() -> dict[str, str]:
    """Return the variable by which Playwright finds its Node.js.

    :raises ToolError: it does not run, and its library can't be had.
    """
    return {"PLAYWRIGHT_NODEJS_PATH": str(finder.find(NODE))}


BROWSER = Tool(
    name="a browser",
    folder="browser",
    purpose="The browser tests",
    installed=lambda: on_path(*NAMES),
    looked_for=", ".join(NAMES),
    ways=(("Playwright's download", _from_playwright), ("Debian's packages", _from_debian)),
    problem=problem,
    remedy=_remedy,
    driver="playwright",
)


def main(path: str) -> int:
    """Shows a page, and returns 0 if its text has a width that depends on the letters: that is, if there are fonts."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            page = browser.new_page()
            page.set_content("<span>iiii</span> <span>WWWW</span>")
            script = "spans => spans.map(span => span.getBoundingClientRect().width)"
            narrow, wide = page.locator("span").evaluate_all(script)
            browser.close()
    except Error as error:
        print(error, file=sys.stderr)
        return 1
    if not 0 < narrow < wide:
        print("it finds no font", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
