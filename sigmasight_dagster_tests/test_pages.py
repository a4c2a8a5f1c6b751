"""The pages: links lead somewhere, commands and their options exist, errors that are quoted are raised."""

import re
import shlex
from pathlib import Path

import click
import pytest

from sigmasight_dagster.cli import cli
from sigmasight_dagster_tests.conftest import REPOSITORY

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "deploy/*.md", "examples/**/*.md")
    for page in REPOSITORY.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[(`]|&& |bin/)sigmasight ([a-z][^`|#;]*)")


def _anchors(page: Path) -> set[str]:
    """Ids of the headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def _commands(text: str) -> list[str]:
    """What is typed after `sigmasight` in the blocks and spans of code of a page."""
    blocks = [block.replace("\\\n", " ") for block in FENCE.findall(text) if block.startswith("```sh")]
    lines = [line for block in blocks for line in block.splitlines()] + CODE.findall(FENCE.sub("", text))
    return [found.strip() for line in lines for found in COMMAND.findall(line)]


def _check(typed: str) -> None:
    words = shlex.split(typed.replace("'", "").replace('"', ""))
    command: click.Command = cli
    while isinstance(command, click.Group) and words and re.fullmatch("[a-z][a-z-]*", words[0]):
        context = click.Context(command)
        found = command.get_command(context, words[0])
        assert found, f"sigmasight {typed}: no command {words[0]}"
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        option = word.strip("[]().,").partition("=")[0]
        if re.fullmatch("--[a-z][a-z-]*", option):
            assert option in options, f"sigmasight {typed}: no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_commands_and_their_options_exist(page: Path) -> None:
    for typed in _commands(page.read_text(encoding="utf-8")):
        _check(typed)


def test_readme_begins_with_the_two_commands() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    first = FENCE.findall(text)[0].splitlines()[1:-1]
    assert [line.split("#")[0].strip() for line in first] == ["make demo", "make test"]
    paths = FENCE.findall(text[text.index("## Three ways in") :])
    assert [len(path.splitlines()) - 2 for path in paths] == [4, 4, 4]


def test_errors_that_the_page_quotes_are_in_the_code() -> None:
    """Each is cut at what stands for a name (`...`); SQLAlchemy's own is none of ours."""
    rooms = ("sigmasight_core", "sigmasight_dagster")
    files = [file for room in rooms for file in (REPOSITORY / room).rglob("*.py")]
    source = re.sub(r'"\s*\n\s*f?"', "", "".join(file.read_text(encoding="utf-8") for file in files))
    page = (REPOSITORY / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [text for row in re.findall(r"^\| (.+?) \| ", page, re.MULTILINE) for text in CODE.findall(row)]
    assert len(quoted) > 40
    for text in quoted:
        if text != "No module named 'psycopg'":
            parts = [part.strip(" :(),;'") for part in text.split("...")]
            assert all(part in source for part in parts), text
