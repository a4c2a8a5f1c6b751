"""The way on where a file names symbols or dates that the sample has not: what to set, or to go on."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import click
import pandas as pd

from sigmasight_dagster.ledger import beyond
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

INDENT = "  "


def tell(platform: Platform, errors: pd.DataFrame) -> bool:
    """Say, once a file, what the sample has and which setting has the rest; False where that is no cure."""
    if not beyond.are_beyond(errors, platform.settings):
        return False
    has, symbols, cure = beyond.what_there_is(platform)
    for paragraph, indent in ((has, ""), (symbols, INDENT), (cure, "")):
        width = click.HelpFormatter().width
        click.echo(click.wrap_text(paragraph, width, indent, indent), err=True)
    return True


def offer(platform: Platform) -> None:
    """Give the command that goes on with another provider; on a terminal, ask, and run it in our place."""
    settings = platform.settings
    if settings.database_url or settings.dagster_postgres_url:
        click.echo("Another provider needs databases of its own: name them in the settings too.", err=True)
        return
    command = shlex.join([_program(), *sys.argv[1:]])
    for name in beyond.ANY_SYMBOL:
        click.echo(f"{INDENT}{_words(settings, name)} \\", err=True)
        click.echo(f"{INDENT * 2}{command}", err=True)
    if not sys.stdin.isatty():
        return
    names = [*beyond.ANY_SYMBOL, "no"]
    chosen = click.prompt("Go on with one of them now?", type=click.Choice(names), default="no", err=True)
    if chosen != "no":
        click.echo(f"From now on, in this terminal: export {_words(settings, chosen, whole=True)}", err=True)
        sys.stderr.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **beyond.environment(settings, chosen)})


def _words(settings: Settings, provider: str, whole: bool = False) -> str:
    given = beyond.environment(settings, provider).items()
    return " ".join(f"{name}={shlex.quote(text if whole else _short(text))}" for name, text in given)


def _program() -> str:
    """How the user called us, as far as is known."""
    name = Path(sys.argv[0]).name
    return name if shutil.which(name) == sys.argv[0] else _short(sys.argv[0])


def _short(text: str) -> str:
    """A path below the working directory from there on; any other text as it is."""
    here = Path.cwd()
    return str(Path(text).relative_to(here)) if Path(text).is_relative_to(here) else text
