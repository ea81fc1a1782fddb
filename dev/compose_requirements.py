"""``python -m dev.compose_requirements``: what docker-compose.yaml installs, by the constraints, each file by its hash.

``compose/requirements.txt`` is all that the project needs beside Airflow and its providers, which the image has;
``compose/local_aws.txt`` is the AWS emulator.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (
    "uv", "pip", "compile", "-", "--constraint", "constraints.txt", "--universal", "--python-version", "3.11",
    "--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--output-file",
)  # fmt: skip


def wanted() -> dict[str, list[str]]:
    """Return what each file is made of."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        needed: list[str] = tomllib.load(file)["project"]["dependencies"]
    return {
        "requirements.txt": [one for one in needed if not one.startswith("apache-airflow")],
        "local_aws.txt": ["ministack"],
    }


def main() -> None:
    """Write both files."""
    uv = str(Path(sys.executable).with_name("uv"))
    for name, requirements in wanted().items():
        command = [uv, *COMMAND[1:], str(ROOT / "compose" / name)]
        subprocess.run(command, cwd=ROOT, input="\n".join(requirements), text=True, check=True)


if __name__ == "__main__":
    main()
