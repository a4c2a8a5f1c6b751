"""A project over a short history: few sessions to compute, so that whole operations take seconds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import pandas as pd

from sigmasight_core.tables import Table
from sigmasight_dagster.cli import cli
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.partitions import keys
from sigmasight_dagster_tests.support.project import CliProject

FIRST_DATE = "2022-11-14"
LEDGER = """ticker,quantity,entry_price,entry_date
AAPL,{quantity},148.70,2022-11-15
JPM,-20,130.00,2022-11-15
SPY230120C00400000,5,12.00,2022-11-15
"""
PORTFOLIOS = ("alpha", "beta", "delta", "gamma", "omega")


@dataclass(frozen=True)
class SmallProject(CliProject):
    """A project whose data start at FIRST_DATE."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_START_DATE": FIRST_DATE,
            "SIGMASIGHT_RETRY_SECONDS": "0.01",
        }

    @classmethod
    def of(cls, project: CliProject, names: Sequence[str]) -> "SmallProject":
        """The project, with these portfolios of two stocks, one of them short, and an option."""
        made = cls(project.home, project.asset_url, project.dagster_url)
        for place, name in enumerate(names, start=1):
            file = made.home / f"{name}.csv"
            file.write_text(LEDGER.format(quantity=10 * place))
            made.here("import", str(file), name, "--cash", "1000", "--allow-unpriced")
        return made

    def here(self, *arguments: str) -> int:
        """Exit code of `sigmasight ARGUMENTS` in this process; errors are raised."""
        with self.settings():
            try:
                cli.main(args=list(arguments), prog_name="sigmasight", standalone_mode=False)
            except SystemExit as end:
                return int(end.code or 0)
        return 0

    @contextmanager
    def open(self) -> Iterator[Project]:
        """The project in this process."""
        with self.settings():
            project = Project.open()
            with project.instance:
                yield project


def run_requested(project: Project, request: dg.RunRequest, job_name: str) -> dg.ExecuteInProcessResult:
    """Execute what a schedule or a sensor asks for, in this process."""
    job = project.definitions.resolve_job_def(request.job_name or job_name)
    return job.execute_in_process(
        instance=project.instance,
        tags=request.tags,
        asset_selection=list(request.asset_selection or ()) or None,
        raise_on_error=False,
    )


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """Descriptions of the step failures."""
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return "\n".join(data.user_failure_data.description for data in failures if data.user_failure_data)


def published_keys(project: CliProject, model: type[Table]) -> set[str]:
    """Partition keys that the tables say are published."""
    rows = project.warehouse().published(model)
    return set(keys.of_frame(rows))


def all_keys(dates: pd.DatetimeIndex, names: Sequence[str]) -> set[str]:
    """Partition keys of dates x portfolios."""
    return {keys.key(date, name) for date in dates for name in names}
