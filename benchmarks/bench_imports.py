"""Import of the package and of the definitions in a fresh interpreter."""

import subprocess
import sys

from benchmarks.measure import limit


def _import(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


def main() -> None:
    limit("import sigmasight_core.tables", lambda: _import("sigmasight_core.tables"), "< 3 s")
    limit("import sigmasight_dagster.definitions", lambda: _import("sigmasight_dagster.definitions"), "< 3 s")
