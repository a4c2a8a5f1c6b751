"""A corrected price: found by a refresh, readable as of before, and what depends on it computed again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.automation import schedules
from sigmasight_dagster.commands.data.prices import parse_moment
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import REFETCH_TAG
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.computes("position_values")

LEDGER = "ticker,quantity,entry_price,entry_date\n{symbol},10,100,2022-10-04\n"


def test_a_corrected_price_end_to_end(new_project: Callable[[], CliProject]) -> None:
    project = new_project()
    folder = project.home / "prices"
    shutil.copytree(REPOSITORY / "examples" / "prices", folder)
    lines = (folder / "AAPL.csv").read_text().splitlines()
    dates = [line.split(",")[0] for line in lines[1:]]
    start, day, end = dates[-12], dates[-4], dates[-1]
    environment = {
        "SIGMASIGHT_PROVIDER": "files",
        "SIGMASIGHT_FILES_DIR": str(folder),
        "SIGMASIGHT_FILES_CLOSE_BASIS": "adjusted",
        "SIGMASIGHT_START_DATE": start,
    }

    def ok(*arguments: str) -> str:
        result = project.run(*arguments, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    for name, symbol in (("apple", "AAPL"), ("microsoft", "MSFT")):
        file = project.home / f"{name}.csv"
        file.write_text(LEDGER.format(symbol=symbol).replace("2022-10-04", dates[-11]))
        ok("import", str(file), "--portfolio", name)
    ok("backfill", "--start", dates[-8], "--end", end)
    known_at = pd.Timestamp.now(tz="UTC").isoformat()
    before = ok("prices", "aapl", "--start", day, "--end", day)

    column = lines[0].split(",").index("Close")
    row = next(number for number, line in enumerate(lines) if line.startswith(day))
    cells = lines[row].split(",")
    cells[column] = str(round(float(cells[column]) * 1.001, 4))
    lines[row] = ",".join(cells)
    (folder / "AAPL.csv").write_text("\n".join(lines) + "\n")

    assert "0 closes differ" not in (told := ok("refresh", "--start", start, "--end", end))
    assert f"AAPL    {day}" in told
    assert "1 closes differ" in told
    assert ok("prices", "AAPL", "--start", day, "--end", day) != before
    assert ok("prices", "AAPL", "--start", day, "--end", day, "--as-of-knowledge", known_at) == before
    stale = ok("stale")
    values = [line.split() for line in stale.splitlines() if line.startswith("position_values ")]
    assert values == [["position_values", "apple", "2", day, dates[-3]]], "the corrected stock's holder alone"
    ok("stale", "--rerun")
    assert "Nothing is stale." in ok("stale")
    assert "0 closes differ" in ok("refresh", "--start", start, "--end", end)

    unknown = project.run("prices", "NOPE", **environment)
    assert unknown.returncode == 1
    assert "no price of NOPE was stored" in unknown.stderr


@pytest.mark.parametrize("text", ["yesterday", "2026-11-25T12:00", "2026-13-01", "2026-11-25T12:00+1", "1"])
def test_a_moment_that_is_none(text: str) -> None:
    with pytest.raises(InputError, match="--as-of-knowledge"):
        parse_moment(text)


def test_moments() -> None:
    assert parse_moment("2026-11-25") == pd.Timestamp("2026-11-25", tz="UTC")
    assert parse_moment("2026-11-25T12:00-05:00") == pd.Timestamp("2026-11-25 17:00", tz="UTC")


def test_the_morning_refresh_asks_for_the_latest_sessions(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path, refresh_sessions=3)
    assert "refresh_recent" in {schedule.name for schedule in schedules.build(settings)}
    tick = pd.Timestamp("2022-11-28 07:00", tz="America/New_York").to_pydatetime()
    request = schedules.refresh_request(settings, tick)
    assert request.tags["dagster/asset_partition_range_start"] == "2022-11-22"
    assert request.tags["dagster/asset_partition_range_end"] == "2022-11-25"
    assert request.tags[REFETCH_TAG] == "true"
    names = {key.to_user_string() for key in request.asset_selection}
    assert {"daily_prices", "treasury_yields", "option_quotes"} <= names
    off = Settings(_env_file=None, home=tmp_path)
    assert "refresh_recent" not in {schedule.name for schedule in schedules.build(off)}
