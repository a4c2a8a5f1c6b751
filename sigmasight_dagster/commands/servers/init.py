"""`sigmasight init`: a folder becomes a project, without a checkout."""

from collections.abc import Iterator
from pathlib import Path

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings.example import env_example
from sigmasight_dagster.settings.places import INSTANCE, WORKSPACE, project_files

EXAMPLES = ("*.csv", "*.md")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def init(folder: Path) -> None:
    """Make FOLDER (default: the current one) a project: Dagster's configuration, settings, examples.

    A file that is there already is kept as it is.
    """
    files = dict(_files())
    kept = [name for name in files if (folder / name).exists()]
    for name, text in files.items():
        if name not in kept:
            _write(folder / name, text)
    written = [name for name in files if name not in kept]
    for what, names in (("wrote", written), ("kept, as it was there already:", kept)):
        for line in _by_folder(names):
            click.echo(f"{what} {line}")
    place = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    click.echo("Next:")
    click.echo(f"  {place}sigmasight demo   three portfolios, computed on real prices of 2022")
    click.echo(f"  {place}sigmasight dev    Dagster's UI on them")


def _files() -> Iterator[tuple[str, bytes]]:
    """Name, below the folder, and contents of every file of a new project."""
    source = project_files()
    for name in (INSTANCE, WORKSPACE):
        yield name, (source / name).read_bytes()
    yield ".env.example", env_example().encode()
    found = sorted(path for pattern in EXAMPLES for path in (source / "examples").rglob(pattern))
    yield from ((path.relative_to(source).as_posix(), path.read_bytes()) for path in found)


def _write(path: Path, text: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror}: give another folder") from None


def _by_folder(names: list[str]) -> Iterator[str]:
    """The names, those of a folder in one line."""
    top = [name for name in names if "/" not in name]
    yield from top
    folders = dict.fromkeys(name.rpartition("/")[0] for name in names if "/" in name)
    for folder in folders:
        count = sum(name.rpartition("/")[0] == folder for name in names)
        yield f"{folder}/ ({count} file{'s' if count > 1 else ''})"
