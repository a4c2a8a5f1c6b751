"""The `sigmasight` command. A command's module is imported when the command runs: help stays fast.

Here belongs what all commands share as a program: the help page, completion, errors as one line, exit
codes. What a command does is in `commands`.
"""

import atexit
import gc
import sys

import click

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.cli.group import LazyGroup


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
        _fail(_said(error))


def _said(error: Exception) -> str:
    """Of what the database refuses to Dagster's storage the cure, and not the statement with its values."""
    if hasattr(error, "orig"):
        # The drivers are there already when one of them has failed.
        from sigmasight_dagster.warehouse.errors import refused, sqlstate  # noqa: PLC0415

        if sqlstate(error):
            return str(refused("of Dagster's storage", error))
    return f"{type(error).__name__}: {' '.join(str(error).split())} (a traceback: sigmasight --debug ...)"


def _fail(message: str) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(1)
