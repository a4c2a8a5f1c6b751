"""`sigmasight db check`: what of the configured databases works, and what is refused."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.servers.which import address_of, external, one_line_errors
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.urls import ONE_FOR_BOTH, canonical_url

if TYPE_CHECKING:
    from sigmasight_dagster.warehouse.requirements.declared import Requirement
    from sigmasight_dagster.warehouse.requirements.facts import Facts

WORKS, TOLD, REFUSED = "works", "note", "REFUSED"
DATABASES: Final = ("tables", "dagster")
_COLUMNS: Final = [("looked_at", 0), ("tables", 0), ("dagster", 0), ("verdict", 0)]


@dataclass
class Row:
    """One line of the table; `said` stands under it."""

    looked_at: str
    tables: str = ""
    dagster: str = ""
    verdict: str = WORKS
    said: str = ""


@click.command()
@AS_JSON
def check(as_json: bool) -> None:
    """Try both databases: what works, what is refused, and the cure.

    A command that needs what is refused here says the same. Nothing that is stored is changed. The exit code
    is 1 if anything is refused.
    """
    with one_line_errors():
        rows = list(_rows(Settings()))
    refused = [row for row in rows if row.verdict == REFUSED]
    if as_json:
        print_json({"works": not refused, "rows": [vars(row) for row in rows]})
    else:
        click.echo("\n".join(table([vars(row) for row in rows], _COLUMNS, below="said")))
    raise SystemExit(1 if refused else 0)


def _rows(settings: Settings) -> Iterator[Row]:
    # `--help` and the other commands of this group need no drivers.
    from sigmasight_dagster.warehouse.database import Database  # noqa: PLC0415
    from sigmasight_dagster.warehouse.errors import unreachable  # noqa: PLC0415
    from sigmasight_dagster.warehouse.requirements import facts  # noqa: PLC0415
    from sigmasight_dagster.warehouse.requirements.declared import REQUIREMENTS  # noqa: PLC0415

    urls = {name: _address(settings, name) for name in DATABASES}
    found: dict[str, Facts] = {}
    reached = Row("reachable")
    for name, url in urls.items():
        try:
            found[name] = facts.ask(url)
            setattr(reached, name, "yes")
        except facts.NotReachable as error:
            setattr(reached, name, "no")
            reached.verdict = REFUSED
            reached.said += f"{unreachable(Database(url).name, error)}\n"
    yield reached
    rows = {requirement.subject: Row(requirement.subject) for requirement in REQUIREMENTS}
    for requirement in REQUIREMENTS:
        _look_at(rows[requirement.subject], requirement, found)
    yield from (row for row in rows.values() if row.tables or row.dagster or row.said)
    if len(found) == len(DATABASES):
        same = found["tables"].identity == found["dagster"].identity
        answer = "no" if same else "yes"
        yield Row("two databases", answer, answer, REFUSED if same else WORKS, ONE_FOR_BOTH if same else "")
    aside = {name: facts.set_aside(urls[name]) for name in found}
    for setting in sorted({setting for each in aside.values() for setting in each}):
        values = {name: each.get(setting, "") for name, each in aside.items()}
        yield Row(setting, **values, verdict="set aside")
    sizes = {name: f"{each.size_bytes / 2**20:.1f} MiB" for name, each in found.items()}
    yield Row("size", **sizes, verdict="")
    embedded = [name for name in DATABASES if not external(settings, dagster=name == "dagster")]
    free = f"{shutil.disk_usage(settings.home).free / 2**30:.1f} GiB" if embedded else ""
    yield Row(
        "free disk", **{name: free if name in embedded else "not seen" for name in DATABASES}, verdict=""
    )


def _address(settings: Settings, name: str) -> str:
    """Of one that is external without the question whether it can be used, which is ours."""
    given = settings.dagster_postgres_url if name == "dagster" else settings.database_url
    return canonical_url(given) if given else address_of(settings, name == "dagster")


def _look_at(row: Row, requirement: "Requirement", found: "dict[str, Facts]") -> None:
    for name, each in found.items():
        if name not in requirement.of:
            continue
        setattr(row, name, requirement.value(each))
        if problem := requirement.problem(each):
            row.verdict = REFUSED if requirement.refuses else TOLD
            row.said += "" if problem in row.said else f"{name}: {problem}\n"
