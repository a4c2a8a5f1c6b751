"""The `sigmasight` command. A command's module is imported when the command runs: help stays fast.

So the help text of each command stands here once more; a test holds it against the command's own.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final, NamedTuple

import click
from click.shell_completion import CompletionItem

from sigmasight_core.errors import SigmaSightError

EXAMPLE_WIDTH: Final = 72


class Entry(NamedTuple):
    """Where a command is, below `sigmasight_dagster.commands`, and the first sentence of its help."""

    module: str
    name: str
    help: str


SECTIONS: Final = {
    "Start": {
        "init": Entry(
            "servers.init",
            "init",
            "Make FOLDER (default: the current one) a project: Dagster's configuration, settings, examples.",
        ),
        "demo": Entry(
            "runs.demo",
            "demo",
            "Import three portfolios, compute 2022-10-03..2022-12-28 on real prices, and show what came out.",
        ),
        "onboard": Entry(
            "ledger.onboard",
            "onboard",
            "Take the positions of FILE (CSV), or the history that a broker exports, to their first results.",
        ),
    },
    "Portfolios": {
        "portfolios": Entry("ledger.portfolios", "list_portfolios", "List the registered portfolios."),
        "import": Entry(
            "ledger.portfolios",
            "import_portfolio",
            "Import FILE (CSV) as a portfolio, after checking every row.",
        ),
        "position": Entry(
            "ledger.ledger", "position", "Add, change, close, tag or remove a position of a portfolio."
        ),
        "cash": Entry(
            "ledger.ledger",
            "cash",
            "State that the cash of PORTFOLIO is AMOUNT (USD; negative = "
            "borrowed), as a bank states a balance.",
        ),
        "benchmark": Entry("ledger.benchmark", "benchmark", "Hold the returns of PORTFOLIO against SYMBOL."),
        "ledger": Entry(
            "ledger.ledger", "ledger", "Show the positions of PORTFOLIO and every change that made them."
        ),
        "gains": Entry(
            "ledger.gains",
            "gains",
            "What each sale of PORTFOLIO has gained, before fees: "
            "proceeds - cost of the lots that it closed.",
        ),
        "remove": Entry(
            "ledger.remove", "remove", "Remove PORTFOLIO: its ledger, all its results and its partition."
        ),
    },
    "Results": {
        "show": Entry(
            "results.show",
            "show",
            "Show PORTFOLIO as it is stored: a summary, or one section of its results.",
        ),
        "report": Entry(
            "results.report",
            "report",
            "The report of a portfolio: Markdown, JSON, CSV, HTML and Excel; default: of every portfolio.",
        ),
        "export": Entry(
            "results.export",
            "export",
            "Write published rows of portfolios as files, one a table; default: of every portfolio and "
            "table.",
        ),
        "readiness": Entry(
            "results.readiness",
            "readiness",
            "What each calculation can and cannot do for a portfolio, "
            "from what is stored; default: every one.",
        ),
        "docs-charts": Entry(
            "results.docs_charts",
            "docs_charts",
            "Draw exposures, stress and correlations of a portfolio, and compare stress with reality.",
        ),
    },
    "Runs": {
        "status": Entry(
            "runs.status",
            "status",
            "Show which dates are published and missing, what runs, what failed, and the next schedule.",
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
            "List what was computed before a price, yield, corporate "
            "action or security of its windows changed.",
        ),
    },
    "Data": {
        "prices": Entry("data.prices", "prices", "Print the closes of SYMBOL with their source and status."),
        "coverage": Entry(
            "data.coverage",
            "coverage",
            "Prices of each held symbol and factor proxy: sessions, first, last, gaps, staleness and source.",
        ),
        "refresh": Entry(
            "data.refresh",
            "refresh",
            "Fetch market data from START to END again, keep the old versions, and say what became stale.",
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
    },
    "What-if and scenarios": {
        "what-if": Entry(
            "results.what_if",
            "what_if",
            "Risk of PORTFOLIO with the trades of TRADES.CSV beside that "
            "without; its tables stay as they are.",
        ),
        "what-if-sessions": Entry(
            "results.what_if",
            "what_if_sessions",
            "Saved what-ifs: list, show, export as a trade list, remove.",
        ),
        "scenarios": Entry(
            "results.scenarios",
            "scenarios",
            "Stress scenarios, shipped and your own: list them, check a file, run some on a portfolio.",
        ),
        "stress-reality": Entry(
            "results.stress_reality",
            "stress_reality",
            "Hold the stress method against what happened in 2018, 2020 and 2022.",
        ),
    },
    "Servers": {
        "dev": Entry("servers.dev", "dev", "Open the Dagster UI (webserver and daemon) until Ctrl-C."),
        "db": Entry("servers.db", "db", "The PostgreSQL server: embedded by default, or an external one."),
        "worker": Entry(
            "servers.worker", "worker", "Execute steps of runs (SIGMASIGHT_EXECUTOR=celery) until Ctrl-C."
        ),
    },
}
"""What one wants to do, and the commands for it, in the order of the help page."""

COMMANDS: Final = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        with _no_garbage():
            command = getattr(import_module(f"sigmasight_dagster.commands.{entry.module}"), entry.name)
        _fill_in(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise _no_such_command(ctx, args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Whole sentences, in as many lines as they need; the sections have one left margin."""
        longest = max(map(len, COMMANDS))
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), entry.help) for name, entry in entries.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, without an import of every command."""
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        found = [CompletionItem(name, help=COMMANDS[name].help) for name in names]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """What imports make stays: to look for garbage in it takes a tenth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _fill_in(command: click.Command, path: str) -> None:
    """Its examples below its help page, and a summary that its group does not cut; of those below it too."""
    # With the first command, not with the help page.
    from sigmasight_dagster.commands.examples import EXAMPLES  # noqa: PLC0415

    lines = [line for rest in EXAMPLES[path] for line in _typed(f"sigmasight {path} {rest}".rstrip())]
    command.epilog = "\b\n" + "\n".join(["Examples:", *lines])
    command.short_help = command.get_short_help_str(sys.maxsize)
    for name, child in command.commands.items() if isinstance(command, click.Group) else ():
        _fill_in(child, f"{path} {name}")


def _typed(words: str) -> list[str]:
    """A command in as many lines as it needs, as a shell reads them: an option stays beside its value."""
    first, *options = words.split(" --")
    lines = [first]
    for option in options:
        if len(lines[-1]) + len(option) + 3 > EXAMPLE_WIDTH:
            lines.append("   ")
        lines[-1] += f" --{option}"
    return [f"  {line} \\" for line in lines[:-1]] + [f"  {lines[-1]}"]


def _no_such_command(ctx: click.Context, name: str) -> click.UsageError:
    # Where someone mistyped, not with the help page.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(name, COMMANDS)
    meant = f"did you mean {' or '.join(near)}?" if near else "sigmasight --help lists them"
    return click.UsageError(f"no command '{name}'; {meant}", ctx)


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
    # At the end the system takes all memory back: a search for garbage in it takes a third of a second.
    atexit.register(gc.freeze)
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
