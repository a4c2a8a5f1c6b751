"""The group of all commands: its help page, its examples, what it says of a command that there is not."""

import sys
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from sigmasight_dagster.cli.sections import COMMANDS, SECTIONS, Entry
from sigmasight_dagster.garbage import no_collections

EXAMPLE_WIDTH: Final = 72


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and not to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        with no_collections():
            command = _imported(cmd_name, entry)
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


def _imported(name: str, entry: Entry) -> click.Command:
    """:raises ClickException: where the command's extra is not installed."""
    try:
        command: click.Command = getattr(
            import_module(f"sigmasight_dagster.commands.{entry.module}"), entry.name
        )
    except ModuleNotFoundError as error:
        if not entry.extra:
            raise
        cure = f"pip install 'sigmasight[{entry.extra}]'"
        raise click.ClickException(f"sigmasight {name} needs {error.name}: {cure}") from None
    return command


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
