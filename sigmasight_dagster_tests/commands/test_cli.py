"""The command `sigmasight` itself: its help page is fast and says what the commands say of themselves."""

import os
import shlex
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from sigmasight_dagster import commands
from sigmasight_dagster.cli import cli, main
from sigmasight_dagster.cli.sections import COMMANDS, SECTIONS
from sigmasight_dagster.commands.examples import EXAMPLES
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.forms import variable
from sigmasight_dagster_tests.conftest import REPOSITORY
from tools import reference

WIDE = 10_000
HEAVY = ("pandas", "numpy", "pyarrow", "dagster", "sqlalchemy")
COMMANDS_ROOM = "sigmasight_dagster.commands"


def own(path: str) -> click.Command:
    first, *rest = path.split()
    command = cli.get_command(click.Context(cli), first)
    for name in rest:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert command is not None
    return command


def tree() -> list[str]:
    """Every command and those below it, as they are typed."""
    return [path for name in COMMANDS for path in paths(own(name), name)]


def paths(command: click.Command, path: str) -> list[str]:
    children = command.commands.items() if isinstance(command, click.Group) else ()
    return [path, *(one for name, child in children for one in paths(child, f"{path} {name}"))]


def parsed(words: list[str]) -> tuple[click.Command, click.Context]:
    """The command that a line runs, and its parameters as click reads them."""
    command, context, words = cli, click.Context(cli, info_name="sigmasight"), list(words)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        if isinstance(found, click.Group):
            context = click.Context(found, info_name=name, parent=context)
        else:
            context = found.make_context(name, words, parent=context)
        command = found
    return command, context


def examples(command: click.Command) -> list[str]:
    lines = (command.epilog or "").replace(" \\\n", " ").splitlines()[2:]
    return [" ".join(line.split()) for line in lines]


def below(command: click.Command) -> set[int]:
    children = command.commands.values() if isinstance(command, click.Group) else ()
    return {id(command)}.union(*(below(child) for child in children))


def imported(arguments: list[str]) -> list[str]:
    """Heavy modules that a command has imported at its end."""
    code = (
        "import atexit, sys; from sigmasight_dagster.cli import main; "
        "atexit.register(lambda: sys.stderr.write(repr(sorted(sys.modules)))); "
        f"sys.argv = ['sigmasight', *{arguments}]; main()"
    )
    environment = {**os.environ, "SIGMASIGHT_DATABASE_URL": "postgresql://host/name"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout
    found = done.stderr.rpartition("[")[2].rstrip("]").replace("'", "").split(", ")
    assert "sigmasight_dagster.cli" in found
    return [name for name in found if name.startswith((*HEAVY, COMMANDS_ROOM))]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_imports_no_command_and_nothing_heavy(arguments: list[str]) -> None:
    assert imported(arguments) == []


def test_the_url_of_the_database_needs_nothing_heavy() -> None:
    assert [name for name in imported(["db", "url"]) if not name.startswith(COMMANDS_ROOM)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_page_says_what_the_command_says(name: str) -> None:
    command = own(name)
    assert command.name == name
    assert COMMANDS[name].help == command.get_short_help_str(WIDE)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_help_page_has_whole_sentences(width: int) -> None:
    formatter = click.HelpFormatter(width=width)
    cli.format_commands(click.Context(cli), formatter)
    page = formatter.getvalue()
    assert max(map(len, page.splitlines())) <= width
    words = " ".join(page.split())
    for title, entries in SECTIONS.items():
        assert f"\n{title}:\n" in f"\n{page}"
        for name, entry in entries.items():
            assert f"{name} {entry.help}" in words


@pytest.mark.parametrize("path", tree())
def test_no_summary_of_a_group_is_cut(path: str) -> None:
    page = own(path).get_help(click.Context(own(path), info_name=path, terminal_width=80))
    assert max(map(len, page.splitlines())) <= 80
    assert "..." not in page.partition("\nCommands:")[2]


@pytest.mark.parametrize("path", tree())
def test_each_example_is_one_of_its_command(path: str) -> None:
    """Click reads it as it would; what it names is not looked for but example files."""
    command, lines = own(path), examples(own(path))
    assert len(lines) >= (2 if command.params or isinstance(command, click.Group) else 1)
    for line in lines:
        words = shlex.split(line)
        named = ["sigmasight", *path.split()]
        assert words[: len(named)] == named
        found, context = parsed(words[1:])
        if not isinstance(command, click.Group):
            assert found is command, context.command_path
        for word in words:
            assert not word.startswith("examples/") or (REPOSITORY / word).exists()


def test_the_generated_pages_have_every_command_and_setting() -> None:
    commands_page, settings_page = reference.commands_page(), reference.settings_page()
    for path in tree():
        assert f"\n### sigmasight {path}\n" in commands_page
        for parameter in own(path).params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert (
                    parameter.opts[0]
                    in commands_page.partition(f"\n### sigmasight {path}\n")[2].partition("\n### ")[0]
                )
    for name in Settings.model_fields:
        assert f"| `{variable(Settings, name)}` |" in settings_page


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) == set(tree())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["shwo", "alpha"], "no command 'shwo'; did you mean show?"),
        (["xyzzy"], "no command 'xyzzy'; sigmasight --help lists them"),
        (["position", "ad"], "'add'"),
        (["show", "alpha", "--dat", "x"], "'--date'"),
    ],
)
def test_what_is_mistyped_has_its_cure(words: list[str], told: str) -> None:
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2
    assert told in result.output


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


def test_a_full_disk_of_dagsters_database_is_told_with_its_cure_and_without_the_statement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = Exception('ERROR:  could not extend file "base/1/2": No space left on device\nHINT: ...')
    refusal.pgcode = "53100"  # type: ignore[attr-defined]
    failure = sa.exc.OperationalError("INSERT INTO event_logs", {"event": "many values"}, refusal)

    def fail(**_: object) -> None:
        raise failure

    monkeypatch.setattr("sigmasight_dagster.cli.cli", fail)
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == (
        'Error: database of Dagster\'s storage: could not extend file "base/1/2": No space left on device: '
        "the disk of the server is full; make space, and give the same command again\n"
    )
