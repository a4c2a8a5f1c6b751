"""A whole project in databases of its own, driven through the `sigmasight` command as a user does."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.tables import TABLES, Audit, Table, primary_key, table_name
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import REPOSITORY, execute

EXAMPLES = REPOSITORY / "examples" / "portfolios"
PORTFOLIOS = ("hedge_fund", "high_net_worth", "individual")


@dataclass(frozen=True)
class CliProject:
    """Environment of one project: its state directory and two databases."""

    home: Path
    asset_url: str
    dagster_url: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("SIGMASIGHT_")}
        return {
            **kept,
            "SIGMASIGHT_HOME": str(self.home),
            "SIGMASIGHT_DATABASE_URL": self.asset_url,
            "DAGSTER_POSTGRES_URL": self.dagster_url,
            "DAGSTER_HOME": str(REPOSITORY),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from sigmasight_dagster.cli import main; main()", *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `sigmasight ARGUMENTS` to its end."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            env={**self.environment, **environment},
            cwd=self.home,
        )

    def ok(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def warehouse(self) -> Warehouse:
        return Warehouse(self.asset_url)

    def import_examples(self) -> None:
        for name in PORTFOLIOS:
            self.ok("import", str(EXAMPLES / f"{name}.csv"), "--portfolio", name, "--cash", "100000")

    def contents(self) -> dict[type[Table], pd.DataFrame]:
        """Every table without its audit columns, in the order of its key."""
        warehouse = self.warehouse()
        audit = list(Audit.to_schema().columns)
        tables = {model: warehouse.read(model) for model in TABLES}
        return {
            model: rows.drop(columns=audit, errors="ignore").sort_values(
                primary_key(model), ignore_index=True
            )
            for model, rows in tables.items()
        }


@pytest.fixture(scope="session")
def new_project(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], CliProject]]:
    """Call it for an empty project; its databases are dropped at the end."""
    names: list[str] = []

    def create() -> CliProject:
        pair = [f"{kind}_{uuid.uuid4().hex[:12]}" for kind in ("assets", "dagster")]
        execute(postgres_server.url("postgres"), *(f"CREATE DATABASE {name}" for name in pair))
        names.extend(pair)
        urls = [postgres_server.url(name) for name in pair]
        return CliProject(tmp_path_factory.mktemp("home"), *urls)

    yield create
    execute(postgres_server.url("postgres"), *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


def assert_same_contents(
    left: dict[type[Table], pd.DataFrame], right: dict[type[Table], pd.DataFrame], rtol: float = 0.0
) -> None:
    """Equal to the bit, or within `rtol`: the last bits of a batch depend on its size (BLAS)."""
    for model in TABLES:
        pd.testing.assert_frame_equal(
            left[model], right[model], check_exact=rtol == 0, rtol=rtol, atol=rtol, obj=table_name(model)
        )
