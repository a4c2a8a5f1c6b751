"""Who may import whom, checked in fresh interpreters and in the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "sigmasight_core"
ORCHESTRATION = ROOT / "sigmasight_dagster"

FORBIDDEN_IN_CORE = (
    "dagster",
    "sqlalchemy",
    "psycopg2",
    "adbc_driver_postgresql",
    "requests",
    "httpx",
    "httpx2",
    "yfinance",
)


def modules(folder: Path, package: str) -> list[str]:
    paths = folder.rglob("*.py")
    names = [".".join((package, *path.relative_to(folder).with_suffix("").parts)) for path in paths]
    return sorted(name.removesuffix(".__init__") for name in names)


def imported_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in result.stdout.split()}


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_core_imports_neither_dagster_nor_sql_nor_network() -> None:
    everything = "\n".join(f"import {name}" for name in modules(CORE, "sigmasight_core"))
    assert not imported_after(everything) & set(FORBIDDEN_IN_CORE)


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: path.name)
def test_core_reads_no_clock_and_no_environment(path: Path) -> None:
    assert not imports_of(path) & {"os", "time", "logging", "socket", "subprocess"}
    source = path.read_text(encoding="utf-8")
    assert not [word for word in ("today()", ".now(", "utcnow(") if word in source]


@pytest.mark.parametrize("path", sorted((ORCHESTRATION / "assets").glob("*.py")), ids=lambda path: path.name)
def test_assets_import_no_provider_no_sql_and_no_other_asset(path: Path) -> None:
    found = imports_of(path)
    assert not [name for name in found if name.startswith(("sqlalchemy", "adbc", "psycopg2"))]
    assert not [name for name in found if name.startswith("sigmasight_dagster.providers")]
    assert not [name for name in found if name.startswith("sigmasight_dagster.warehouse")]
    if path.name not in ("__init__.py", "catalogue.py"):
        assert not [name for name in found if name.startswith("sigmasight_dagster.assets")]


def test_only_the_warehouse_speaks_sql() -> None:
    # The embedded server probes itself with SELECT 1, and Dagster's own storage is Dagster's SQL.
    allowed = ("warehouse", "instance", "server")
    for path in ORCHESTRATION.rglob("*.py"):
        if path.relative_to(ORCHESTRATION).parts[0] not in allowed:
            assert not imports_of(path) & {"sqlalchemy", "psycopg2", "adbc_driver_postgresql"}, path


def test_mibian_is_imported_by_the_audit_alone() -> None:
    importers = [
        path.name
        for path in [*CORE.rglob("*.py"), *ORCHESTRATION.rglob("*.py")]
        if "mibian" in imports_of(path)
    ]
    assert importers == ["audit.py"]


def test_modules_stay_small() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for folder in (CORE, ORCHESTRATION)
        for path in folder.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
