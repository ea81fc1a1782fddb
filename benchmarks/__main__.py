"""Measure, and print tables."""

from __future__ import annotations

import argparse
import os
import platform

from rich.console import Console

from benchmarks import classifying, landing


def main() -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the work (default: %(default)s)")
    scale = parser.parse_args().scale
    console = Console()
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(classifying.table(int(40_000 * scale)))
    console.print(landing.table(int(3_000 * scale)))


if __name__ == "__main__":
    main()
