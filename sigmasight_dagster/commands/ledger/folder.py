"""`sigmasight import` of a folder: many portfolios in one process, each a file of its own."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from sigmasight_core.errors import DataQualityError, InputError
from sigmasight_dagster.commands.csv_files import check_name, read_csv, report_rows
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger import received
from sigmasight_dagster.ledger.received import Sent


def import_folder(folder: Path, asked: Sent, *, replaces: bool) -> NoReturn:
    """Store every NAME.csv as portfolio NAME; one that is not in order imports nothing, and stops no other.

    The command ends with 1 where some were not imported.

    :param asked: what is said beside each file: its portfolio and text are those of the file.
    :param replaces: portfolios that are there already are replaced.
    :raises InputError: where there is no file, or one whose name cannot be a portfolio's; before any is read.
    """
    found = sorted(folder.glob("*.csv"))
    if not found:
        raise InputError(f"{folder}: no .csv in this folder; name each file as its portfolio: NAME.csv")
    for file in found:
        check_name(file.stem)
    project = Project.open()
    made = Counter(_one(project, file, asked, replaces=replaces) for file in found)
    failed = made.pop("", 0)
    said = ", ".join(f"{count:,} {result}" for result, count in sorted(made.items())) or "nothing imported"
    click.echo(f"{len(found):,} files: {said}" + (f", {failed:,} not imported: see above" if failed else ""))
    sys.exit(1 if failed else 0)


def _one(project: Project, file: Path, asked: Sent, *, replaces: bool) -> str:
    """What became of a file's portfolio; '' where nothing did, which is told."""
    try:
        sent = replace(asked, portfolio=file.stem, file_name=file.name, text=read_csv(file))
        checked = received.check(project, sent)
        report_rows(file, checked.warnings, checked.errors)
        if checked.account is None:
            return ""
        command = f"sigmasight import {file.name}"
        result, doubts = received.store(project, checked, replaces=replaces, command=command, owner="")
    except (InputError, DataQualityError) as error:
        click.echo(f"{file}: {error}", err=True)
        return ""
    for line in doubts:
        click.echo(f"{file.stem}: warning: balance: {line}", err=True)
    click.echo(f"Portfolio {file.stem}: {len(checked.lots)} positions, {result}")
    return result
