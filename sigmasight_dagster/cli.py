"""The `sigmasight` command. Modules of the commands are imported when a command runs: help stays fast."""

import sys
from importlib import import_module

import click

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster import logs

_COMMANDS = {
    "db": ("sigmasight_dagster.commands.servers.db", "db"),
    "onboard": ("sigmasight_dagster.commands.ledger.onboard", "onboard"),
    "import": ("sigmasight_dagster.commands.ledger.portfolios", "import_portfolio"),
    "readiness": ("sigmasight_dagster.commands.results.readiness", "readiness"),
    "position": ("sigmasight_dagster.commands.ledger.ledger", "position"),
    "cash": ("sigmasight_dagster.commands.ledger.ledger", "cash"),
    "ledger": ("sigmasight_dagster.commands.ledger.ledger", "ledger"),
    "portfolios": ("sigmasight_dagster.commands.ledger.portfolios", "list_portfolios"),
    "run": ("sigmasight_dagster.commands.runs.run", "run"),
    "backfill": ("sigmasight_dagster.commands.runs.run", "backfill"),
    "rerun-failed": ("sigmasight_dagster.commands.runs.rerun", "rerun_failed"),
    "stale": ("sigmasight_dagster.commands.data.stale", "stale"),
    "prices": ("sigmasight_dagster.commands.data.prices", "prices"),
    "refresh": ("sigmasight_dagster.commands.data.refresh", "refresh"),
    "coverage": ("sigmasight_dagster.commands.data.coverage", "coverage"),
    "retention": ("sigmasight_dagster.commands.data.retention", "retention"),
    "stress-reality": ("sigmasight_dagster.commands.results.stress_reality", "stress_reality"),
    "docs-charts": ("sigmasight_dagster.commands.results.docs_charts", "docs_charts"),
    "what-if": ("sigmasight_dagster.commands.results.what_if", "what_if"),
    "what-if-sessions": ("sigmasight_dagster.commands.results.what_if", "what_if_sessions"),
    "demo": ("sigmasight_dagster.commands.runs.demo", "demo"),
    "dev": ("sigmasight_dagster.commands.servers.dev", "dev"),
    "worker": ("sigmasight_dagster.commands.servers.worker", "worker"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        return getattr(import_module(module), name)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logs.")
@click.version_option(package_name="sigmasight")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """SigmaSight: daily portfolio risk as Dagster assets, in PostgreSQL."""
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
