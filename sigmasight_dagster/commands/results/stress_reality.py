"""`sigmasight stress-reality`: predicted against realised P&L of three historic windows."""

from pathlib import Path
from typing import Final

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.table import GAP, reasons, table, wrapped
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import reality_page
from sigmasight_dagster.reports.reality import RealityCheck, reality_check
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.settings import Settings, project_root

_NAMED: Final = {
    "realised": "realised",
    "predicted": "predicted",
    "specific_sigma": "sigma",
    "predicted_first_order": "first order",
    "original": "original",
}
_ORDER: Final = ("realised", "predicted", "miss", "sigma", "first order", "original")


@click.command("stress-reality")
@click.option(
    "--date", metavar="YYYY-MM-DD", help="Date of the portfolios' holdings; default: the last of each."
)
@click.option(
    "--docs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Also write stress_against_reality.md and its charts; default folder: docs.",
)
@AS_JSON
def stress_reality(date: str | None, folder: Path | None, as_json: bool) -> None:
    """Hold the stress method against what happened in 2018, 2020 and 2022.

    For an equal-weight basket of the provider's stocks and for every portfolio, in today's holdings.
    """
    platform = Platform(Settings())
    platform.warehouse.migrate()
    check = reality_check(platform, None if date is None else parse_date(date))
    if as_json:
        facts = {"provider": check.provider, "proxies": check.proxies, "notes": check.notes}
        print_json({**facts, "results": check.reality.results})
    else:
        click.echo("\n".join(_lines(check)))
    if folder is not None:
        target = folder if folder.parts else project_root() / "docs"
        try:
            for path in reality_page.write(check, target):
                click.echo(f"wrote {path}", err=as_json)
        except OSError as error:
            raise InputError(f"{target}: {error.strerror or error}: name another one with --docs") from None


def _lines(check: RealityCheck) -> list[str]:
    """One table for each window, in percent of gross exposure; statuses and notes below."""
    results = check.reality.results
    percent = 100 * results[list(_NAMED)].rename(columns=_NAMED)
    rows = percent.assign(miss=percent["realised"] - percent["predicted"])
    rows = pd.concat([results[["window", "basket", "start", "end", "status"]], rows], axis=1)
    lines = ["Stress against reality, P&L in % of gross exposure"]
    for window, mine in rows.groupby("window", sort=False):
        shown, first = mine.to_dict("records"), mine.iloc[0]
        lines += ["", f"{window}, {first['start']:%Y-%m-%d}..{first['end']:%Y-%m-%d}"]
        lines += table(shown, [("basket", 0), *((name, 1) for name in _ORDER)])
        lines += reasons(shown, "basket")
    return lines + [line for note in check.notes for line in wrapped(note, "", GAP)]
