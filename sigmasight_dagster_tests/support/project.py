"""A whole project in databases of its own, driven through the `sigmasight` command as a user does."""

import io
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.tables import TABLES, Audit, PortfolioReports, Table, primary_key, table_name
from sigmasight_dagster.cli import main
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import REPOSITORY, execute
from sigmasight_dagster_tests.support import some_tables

EXAMPLES = REPOSITORY / "examples" / "portfolios"
PORTFOLIOS = ("hedge_fund", "high_net_worth", "individual")


@dataclass(frozen=True)
class CliProject:
    """Environment of one project: its state directory and two databases.

    :param plots: partitions of a run and table that are plotted; each run that draws takes a tenth longer.
    """

    home: Path
    asset_url: str
    dagster_url: str
    plots: int = 0

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("SIGMASIGHT_")}
        return {
            **kept,
            "SIGMASIGHT_HOME": str(self.home),
            "SIGMASIGHT_DATABASE_URL": self.asset_url,
            "DAGSTER_POSTGRES_URL": self.dagster_url,
            "DAGSTER_HOME": str(REPOSITORY),
            "SIGMASIGHT_PLOT_PARTITIONS": str(self.plots),
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", some_tables.program(), *arguments]

    @contextmanager
    def settings(self, **environment: str) -> Iterator[None]:
        """This process's environment is the project's, until the end."""
        before, ours = dict(os.environ), {**self.environment, **environment}
        os.environ.clear()
        os.environ.update(ours)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `sigmasight ARGUMENTS` to its end in this process: a new one takes seconds to import Dagster.

        What cannot share a process (it is killed, or runs beside others) uses `command`.
        """
        shown, told, code = io.StringIO(), io.StringIO(), 0
        root = logging.getLogger()
        level, handlers = root.level, root.handlers
        with (
            self.settings(**environment),
            pytest.MonkeyPatch.context() as patch,
            chdir(self.home),
            redirect_stdout(shown),
            redirect_stderr(told),
        ):
            patch.setattr(sys, "argv", ["sigmasight", *arguments])
            patch.setattr(sys, "stdin", io.StringIO())
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
            finally:
                root.setLevel(level)
                root.handlers = handlers
        return subprocess.CompletedProcess(arguments, code, shown.getvalue(), told.getvalue())

    def process(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `sigmasight ARGUMENTS` to its end in a process of its own."""
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
            self.ok("import", str(EXAMPLES / f"{name}.csv"), name, "--cash", "100000")

    def contents(self) -> dict[type[Table], pd.DataFrame]:
        """Every table without its audit columns, in the order of its key; reports left out."""
        warehouse = self.warehouse()
        audit = list(Audit.to_schema().columns)
        tables = {model: warehouse.read(model) for model in TABLES if model is not PortfolioReports}
        return {
            model: rows.drop(columns=audit, errors="ignore").sort_values(
                primary_key(model), ignore_index=True
            )
            for model, rows in tables.items()
        }


@pytest.fixture(scope="session")
def new_project(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    dagster_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], CliProject]]:
    """Call it for an empty project, migrated; its databases are dropped at the end."""
    names: list[str] = []

    def create() -> CliProject:
        urls = []
        for template in (migrated_template, dagster_template):
            names.append(f"{template}_{uuid.uuid4().hex[:12]}")
            execute(postgres_server.url("postgres"), f"CREATE DATABASE {names[-1]} TEMPLATE {template}")
            urls.append(postgres_server.url(names[-1]))
        return CliProject(tmp_path_factory.mktemp("home"), *urls)

    yield create
    execute(postgres_server.url("postgres"), *(f"DROP DATABASE {name} WITH (FORCE)" for name in names))


def assert_same_contents(
    left: dict[type[Table], pd.DataFrame], right: dict[type[Table], pd.DataFrame], rtol: float = 0.0
) -> None:
    """Equal to the bit, or within `rtol`: the last bits of a batch depend on its size (BLAS)."""
    for model in left:
        pd.testing.assert_frame_equal(
            left[model], right[model], check_exact=rtol == 0, rtol=rtol, atol=rtol, obj=table_name(model)
        )
