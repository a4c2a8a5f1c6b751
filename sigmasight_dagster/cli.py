"""The `sigmasight` command. A command's module is imported when the command runs: help stays fast.

So the help text of each command stands here once more; a test holds it against the command's own.
"""

import sys
from importlib import import_module
from typing import Final, NamedTuple

import click

from sigmasight_core.errors import SigmaSightError


class Entry(NamedTuple):
    """Where a command is, below `sigmasight_dagster.commands`, and the first sentence of its help.

    :param extra: of the package, which brings what the command imports beside the rest.
    """

    module: str
    name: str
    help: str
    extra: str = ""


COMMANDS: Final = {
    "init": Entry(
        "servers.init",
        "init",
        "Make FOLDER (default: the current one) a project: Dagster's configuration, settings, examples.",
    ),
    "db": Entry("servers.db", "db", "The PostgreSQL server: embedded by default, or an external one."),
    "onboard": Entry(
        "ledger.onboard",
        "onboard",
        "Take the positions of FILE (CSV), or the history that a broker exports, to their first results.",
    ),
    "import": Entry(
        "ledger.portfolios",
        "import_portfolio",
        "Import FILE (CSV) as a portfolio, after checking every row.",
    ),
    "show": Entry(
        "results.show",
        "show",
        "Show PORTFOLIO as it is stored: a summary, or one section of its results.",
    ),
    "status": Entry(
        "runs.status",
        "status",
        "Show which dates are published and missing, what runs, what failed, and the next schedule.",
    ),
    "readiness": Entry(
        "results.readiness",
        "readiness",
        "What each calculation can and cannot do for a portfolio, from what is stored; default: every one.",
    ),
    "position": Entry("ledger.ledger", "position", "Add, change, close or tag a position of a portfolio."),
    "cash": Entry(
        "ledger.ledger",
        "cash",
        "State that the cash of PORTFOLIO is AMOUNT (USD; negative = borrowed), as a bank states a balance.",
    ),
    "benchmark": Entry("ledger.benchmark", "benchmark", "Hold the returns of PORTFOLIO against SYMBOL."),
    "ledger": Entry(
        "ledger.ledger", "ledger", "Show the positions of PORTFOLIO and every change that made them."
    ),
    "gains": Entry(
        "ledger.gains",
        "gains",
        "What each sale of PORTFOLIO has gained, before fees: proceeds - cost of the lots that it closed.",
    ),
    "portfolios": Entry("ledger.portfolios", "list_portfolios", "List the registered portfolios."),
    "report": Entry(
        "results.report",
        "report",
        "The report of a portfolio: Markdown, JSON, CSV, HTML and Excel; default: of every portfolio.",
    ),
    "run": Entry("runs.run", "run", "Compute every asset of one trading date."),
    "backfill": Entry(
        "runs.run",
        "backfill",
        "Compute every asset of every trading date from START to END, in a few range runs.",
    ),
    "rerun-failed": Entry(
        "runs.rerun",
        "rerun_failed",
        "Compute again what failed last, and nothing else: market data first, then portfolios.",
    ),
    "stale": Entry(
        "runs.stale",
        "list_stale",
        "List what was computed before a price, yield, corporate action or security of its windows changed.",
    ),
    "prices": Entry("data.prices", "prices", "Print the closes of SYMBOL with their source and status."),
    "refresh": Entry(
        "data.refresh",
        "refresh",
        "Fetch market data from START to END again, keep the old versions, and say what became stale.",
    ),
    "coverage": Entry(
        "data.coverage",
        "coverage",
        "Prices of each held symbol and factor proxy: sessions, first, last, gaps, staleness and source.",
    ),
    "doubtful": Entry(
        "data.doubtful",
        "doubtful",
        "Prices, splits and dividends that cannot be believed: list, confirm and reject them.",
    ),
    "retention": Entry(
        "data.retention",
        "retention",
        "Delete position-level detail older than DAYS before the latest snapshot.",
    ),
    "stress-reality": Entry(
        "results.stress_reality",
        "stress_reality",
        "Hold the stress method against what happened in 2018, 2020 and 2022.",
    ),
    "scenarios": Entry(
        "results.scenarios",
        "scenarios",
        "Stress scenarios, shipped and your own: list them, check a file, run some on a portfolio.",
    ),
    "docs-charts": Entry(
        "results.docs_charts",
        "docs_charts",
        "Draw exposures, stress and correlations of a portfolio, and compare stress with reality.",
    ),
    "what-if": Entry(
        "results.what_if",
        "what_if",
        "Risk of PORTFOLIO with the trades of TRADES.CSV beside that without; its tables stay as they are.",
    ),
    "what-if-sessions": Entry(
        "results.what_if", "what_if_sessions", "Saved what-ifs: list, show, export as a trade list, remove."
    ),
    "demo": Entry(
        "runs.demo",
        "demo",
        "Import three portfolios, compute 2022-10-03..2022-12-28 on real prices, and show what came out.",
    ),
    "dev": Entry("servers.dev", "dev", "Open the Dagster UI (webserver and daemon) until Ctrl-C."),
    "worker": Entry(
        "servers.worker", "worker", "Execute steps of runs (SIGMASIGHT_EXECUTOR=celery) until Ctrl-C."
    ),
    "serve": Entry("servers.serve", "serve", "Serve the API (docs/api.md) until Ctrl-C.", "api"),
    "users": Entry(
        "servers.users",
        "users",
        "Who may use the API (`sigmasight serve`), and which portfolios are theirs.",
        "api",
    ),
}
"""In the order of the help page."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        try:
            return getattr(import_module(f"sigmasight_dagster.commands.{entry.module}"), entry.name)
        except ModuleNotFoundError as error:
            if not entry.extra:
                raise
            cure = f"pip install 'sigmasight[{entry.extra}]'"
            raise click.ClickException(f"sigmasight {cmd_name} needs {error.name}: {cure}") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        width = formatter.width - 6 - max(map(len, COMMANDS))
        shown = [(name, click.Command(name, help=entry.help)) for name, entry in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in shown])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logs.")
@click.version_option(package_name="sigmasight")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """SigmaSight: daily portfolio risk as Dagster assets, in PostgreSQL."""
    # Nothing is logged before a command runs.
    from sigmasight_dagster import logs  # noqa: PLC0415

    ctx.ensure_object(dict)["debug"] = debug
    logs.configure("DEBUG" if debug else "WARNING")


def main() -> None:
    """Entry point: an error is one line on standard error and exit code 1, with --debug a traceback."""
    if "--debug" in sys.argv:
        cli()
    try:
        sys.exit(cli(standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        click.echo("Aborted.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except SigmaSightError as error:
        _fail(str(error))
    except Exception as error:
        _fail(f"{type(error).__name__}: {' '.join(str(error).split())} (a traceback: sigmasight --debug ...)")


def _fail(message: str) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(1)
