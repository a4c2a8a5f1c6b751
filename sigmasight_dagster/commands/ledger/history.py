"""`sigmasight import` of a broker's history: its options, what it shows, and what it stores."""

import sys
from pathlib import Path

import click

from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.csv_files import report_rows
from sigmasight_dagster.commands.ledger.explained import show
from sigmasight_dagster.ledger import histories
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

FORMAT = click.option(
    "--format",
    "form",
    default=histories.AUTO,
    show_default=True,
    metavar="NAME",
    help="How FILE is written: auto, positions, transactions, or a broker's preset (docs/brokers.md).",
)
PRESET = click.option(
    "--preset",
    "preset_file",
    type=click.Path(path_type=Path),
    metavar="YAML",
    help="A preset of your own to read FILE by.",
)
EXPLAIN = click.option(
    "--explain", is_flag=True, help="Show how each line of a history is read, and store nothing."
)


def import_history(
    file: Path, text: bytes, name: str | None, preset: Preset | None, *, explain: bool, allow_unpriced: bool
) -> None:
    """Read a history; show each line, or store it.

    :raises InputError: for a list of positions, and where the file cannot be read.
    """
    if preset is None:
        raise InputError(f"{file}: a list of positions; --explain shows histories: leave it out")
    history = histories.parse(
        Platform(Settings()), text, name or "explained", file.name, preset, allow_unpriced=allow_unpriced
    )
    if explain:
        show(history, preset.name)
        report_rows(file, history.warnings, history.errors)
        sys.exit(1 if len(history.errors) else 0)
    report_rows(file, history.warnings, history.errors)
    raise InputError(
        f"{file}: a history of {preset.name}: storing transactions is not built yet; --explain shows how it "
        "is read, a list of positions can be imported"
    )
