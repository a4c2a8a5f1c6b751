"""docs/commands.md and docs/settings.md, as the code says them: `python -m tools.reference [--check]`."""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from sigmasight_dagster.cli import cli
from sigmasight_dagster.cli.sections import SECTIONS
from sigmasight_dagster.commands.examples import EXAMPLES
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.example import names_of, title, topics, written
from sigmasight_dagster.settings.forms import example, form, info, variable

ROOT = Path(__file__).resolve().parent.parent
COMMANDS_HEAD = """\
# Commands

Generated from the commands by `make docs`; `sigmasight COMMAND --help` says the same. The portfolios of the
examples are those of `sigmasight demo`, and `mine`, which `sigmasight import` makes in its first example.

Every command ends with 0 when it did what it was asked, with 1 and one line on standard error when it could
not, with 2 for a command or an option that there is not, and with 130 after Ctrl-C. `sigmasight --debug
COMMAND` shows tracebacks and debug logs. [The Tab key completes commands and options](completion.md).
"""
SETTINGS_HEAD = """\
# Settings

Generated from the settings by `make docs`. A setting is an environment variable, or a line of `.env` or of
`sigmasight.toml` in the project's folder (there its name is in small letters, without `SIGMASIGHT_`). The
first of the three that has it counts. `sigmasight init` writes `.env.example` with all of them. A secret
belongs into the environment or into `.env`. A value in a wrong form is refused when a command starts, with
what it may be.
"""


def commands_page() -> str:
    """Markdown of every command: usage, what it does, options, examples."""
    context = click.Context(cli, info_name="sigmasight")
    lines = [COMMANDS_HEAD]
    for heading, entries in SECTIONS.items():
        rows = (
            f"| [`{name}`](#sigmasight-{name}) | {_cell(entry.help)} |" for name, entry in entries.items()
        )
        lines += [f"**{heading}**", "", "| command | what it does |", "|---|---|", *rows, ""]
    for heading, entries in SECTIONS.items():
        lines += [f"## {heading}", ""]
        for name in entries:
            command = cli.get_command(context, name)
            lines += _command(command, click.Context(command, info_name=name, parent=context))
    return "\n".join(lines)


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    path = context.command_path
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield from (f"### {path}", "", "```", usage, "```", "", cleandoc(command.help or ""), "")
    described = (part.get_help_record(context) for part in command.params)
    options = [record for record in described if record and record[1]]
    if options:
        yield from ("| option | meaning |", "|---|---|")
        yield from (f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in options)
        yield ""
    yield from (
        "```bash",
        *(f"{path} {rest}".rstrip() for rest in EXAMPLES[path.partition(" ")[2]]),
        "```",
        "",
    )
    for name, child in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _command(child, click.Context(child, info_name=name, parent=context))


def settings_page() -> str:
    """Markdown of every setting: name, form, default, meaning, by topic."""
    lines = [SETTINGS_HEAD]
    for topic in topics():
        lines += [
            f"## {title(topic)}",
            "",
            "| setting | what it may be | default | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_setting(name) for name in names_of(topic)]
        lines.append("")
    return "\n".join(lines)


def _setting(name: str) -> str:
    default = written(info(Settings, name).get_default(call_default_factory=True))
    shown = f"not set, for example `{example(Settings, name)}`" if default is None else f"`{default}`"
    meaning = info(Settings, name).description or ""
    cells = (f"`{variable(Settings, name)}`", form(Settings, name), shown, meaning)
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[Path, str]:
    """The generated pages by their place below the project's root."""
    return {Path("docs/commands.md"): commands_page(), Path("docs/settings.md"): settings_page()}


def stale() -> list[Path]:
    """Pages that are not what the code says."""
    found = ((page, ROOT / page, text) for page, text in pages().items())
    return [page for page, at, text in found if not at.exists() or at.read_text(encoding="utf-8") != text]


def main() -> None:
    """Write the pages, or say which are not what the commands and settings say now."""
    if "--check" in sys.argv:
        sys.exit("\n".join(f"{page} is not what the code says: make docs" for page in stale()) or None)
    for page, text in pages().items():
        (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
