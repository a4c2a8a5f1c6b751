"""Field cases 17 (a bad print) and 06 (a spin-off written as a split), from files to position values."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import CorporateActions, DailyPrices, PositionValues
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.computes("position_values")

SESSIONS = calendar.sessions("2021-05-03", "2021-06-22")
PRINT, SPUN, JUMP, LAST = (pd.Timestamp(f"2021-06-{day}") for day in ("15", "11", "18", "21"))
LEDGER = """ticker,quantity,entry_price,entry_date
BBB,100,50,2021-06-10
GGG,100,150,2021-06-10
JJJ,10,20,2021-06-10
"""


def market(folder: Path) -> None:
    """BBB has one close 100 times too high, GGG falls at a spin-off, JJJ rises by 160% on heavy volume."""
    folder.mkdir()
    starts = {"SPY": 250.0, "BBB": 50.0, "GGG": 150.0, "JJJ": 20.0}
    for seed, (name, start) in enumerate(starts.items()):
        steps = np.random.default_rng(seed).normal(0, 0.01, len(SESSIONS))
        closes = pd.Series(start * np.exp(steps.cumsum()), SESSIONS)
        if name == "BBB":
            closes[PRINT] *= 100
        if name == "GGG":
            closes[closes.index >= SPUN] /= 1.253
        if name == "JJJ":
            closes[closes.index >= JUMP] *= 2.6
        lines = [
            f"{date:%Y-%m-%d},{close:.6f},{1000 * (20 if date == JUMP else 1)}"
            for date, close in closes.items()
        ]
        (folder / f"{name}.csv").write_text("\n".join(["Date,Close,Volume", *lines]) + "\n")
    (folder / "splits.csv").write_text("symbol,ex_date,ratio\nGGG,2021-06-11,1.253\n")


def test_a_bad_print_a_spin_off_and_a_jump(new_project: Callable[[], CliProject]) -> None:
    project = new_project()
    market(project.home / "prices")
    (project.home / "p.csv").write_text(LEDGER)
    environment = {
        "SIGMASIGHT_PROVIDER": "files",
        "SIGMASIGHT_FILES_DIR": str(project.home / "prices"),
        "SIGMASIGHT_START_DATE": "2021-05-03",
    }

    def ok(*arguments: str) -> str:
        result = project.run(*arguments, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def value(symbol: str, date: pd.Timestamp) -> pd.Series:
        rows = project.warehouse().read(PositionValues, dates=[date])
        return rows[rows["symbol"] == symbol].iloc[0]

    def close(symbol: str, date: pd.Timestamp) -> float:
        rows = project.warehouse().read(DailyPrices, dates=[date], symbols=[symbol])
        return float(rows["close"].iloc[0])

    ok("import", str(project.home / "p.csv"), "--portfolio", "p")
    ok("backfill", "--start", "2021-06-10", "--end", f"{JUMP:%Y-%m-%d}")

    print_, before = value("BBB", PRINT), value("BBB", calendar.shift_sessions(PRINT, -1))
    assert print_["price"] == before["price"]
    assert print_["status"] == "stale: last price 2021-06-14; the close of 2021-06-15 is doubtful"
    assert np.isnan(print_["daily_pnl"])
    assert abs(value("BBB", calendar.shift_sessions(PRINT, 1))["daily_pnl"]) < 500
    assert (value("GGG", SPUN)["quantity"], value("GGG", SPUN)["status"]) == (100.0, "ok")
    assert project.warehouse().read(CorporateActions)["kind"].tolist() == ["distribution"]
    assert value("JJJ", JUMP)["status"].endswith("the close of 2021-06-18 is doubtful")

    listed = ok("doubtful", "list")
    assert "3 in doubt" in listed
    assert "BBB 2021-06-15 close 5,0" in listed
    assert "GGG 2021-06-11 split 1.253: open" in listed
    assert max(map(len, listed.splitlines())) <= 80
    assert "JJJ" not in ok("doubtful", "list", "--symbol", "bbb")
    assert "doubtful: BBB: 1 sessions not used, the last 2021-06-15" in ok("coverage")

    ok("run", "--date", f"{LAST:%Y-%m-%d}")
    assert "JJJ" not in ok("doubtful", "list")
    assert "JJJ 2021-06-18 close" in ok("doubtful", "list", "--symbol", "JJJ", "--all")
    assert close("JJJ", JUMP) > 40
    assert re.search(r"\nposition_values +p +1  2021-06-18  2021-06-18\n", ok("stale"))

    assert "BBB 2021-06-15 close 5,0" in ok("doubtful", "confirm", "BBB", "2021-06-15", "--reason", "seen")
    assert close("BBB", PRINT) > 4_000
    ok("doubtful", "reject", "BBB", "2021-06-15", "--kind", "close")
    assert np.isnan(close("BBB", PRINT))
    assert "rejected" in ok("doubtful", "list", "--symbol", "BBB", "--all")
    ok("stale", "--rerun")
    assert value("JJJ", JUMP)["status"] == "ok"
    assert np.isnan(close("BBB", PRINT))

    refused = project.run("doubtful", "confirm", "SPY", "2021-06-15", **environment)
    assert refused.returncode == 1
    assert "SPY on 2021-06-15 is not in doubt" in refused.stderr
    bent = project.run("doubtful", "list", **environment, SIGMASIGHT_DOUBTFUL_PRINT_FACTOR="0")
    assert "SIGMASIGHT_DOUBTFUL_PRINT_FACTOR: '0' is wrong" in bent.stderr
    assert "give a number from 1.1 to 5" in bent.stderr
