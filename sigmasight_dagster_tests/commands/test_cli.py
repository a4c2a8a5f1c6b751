"""The command `sigmasight` itself: its help page is fast and says what the commands say of themselves."""

import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import click
import pytest

from sigmasight_dagster import commands
from sigmasight_dagster.cli import COMMANDS, cli

WIDE = 10_000
HEAVY = ("sigmasight_dagster.commands", "pandas", "numpy", "dagster", "sqlalchemy")


def own(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def below(command: click.Command) -> set[int]:
    children = command.commands.values() if isinstance(command, click.Group) else ()
    return {id(command)}.union(*(below(child) for child in children))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_imports_no_command_and_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import atexit, sys; from sigmasight_dagster.cli import main; "
        "atexit.register(lambda: sys.stderr.write(repr(sorted(sys.modules)))); "
        f"sys.argv = ['sigmasight', *{arguments}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    imported = done.stderr[1:-1].replace("'", "").split(", ")
    assert "sigmasight_dagster.cli" in imported
    assert [name for name in imported if name.startswith(HEAVY)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_page_says_what_the_command_says(name: str) -> None:
    command = own(name)
    assert command.name == name
    assert COMMANDS[name].help == command.get_short_help_str(WIDE)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_help_page_is_clicks(width: int) -> None:
    ours, clicks = click.HelpFormatter(width=width), click.HelpFormatter(width=width)
    context = click.Context(cli)
    cli.format_commands(context, ours)
    click.Group.format_commands(cli, context, clicks)
    assert ours.getvalue() == clicks.getvalue()


def test_every_command_is_on_the_help_page() -> None:
    listed = set().union(*(below(own(name)) for name in COMMANDS))
    names = [module.name for module in walk_packages(commands.__path__, "sigmasight_dagster.commands.")]
    found = {
        id(value): f"{name}.{key}"
        for name in names
        for key, value in vars(import_module(name)).items()
        if isinstance(value, click.Command)
    }
    assert [where for key, where in found.items() if key not in listed] == []
    assert len(found) > len(COMMANDS)
