"""Coverage of held symbols on real tables, and `coverage --fill` when the provider has more than stored."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import DailyPrices, RealizedVolatility
from sigmasight_dagster.checks.coverage import unknown_dividend_names
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

pytestmark = pytest.mark.computes("position_values", "realized_volatility")

SESSIONS = calendar.sessions("2022-11-14", "2022-12-16")
GAP = SESSIONS[5:9]
LEDGER = "ticker,quantity,entry_price,entry_date\nAAPL,5,90,2022-11-15\nMSFT,1,90,2022-11-15\n"


@dataclass(frozen=True)
class FilesProject(SmallProject):
    """A project on a directory of prices."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_PROVIDER": "files",
            "SIGMASIGHT_FILES_DIR": str(self.home / "prices"),
        }


def write(folder: Path, symbol: str, sessions: pd.DatetimeIndex) -> None:
    closes = 100.0 + SESSIONS.get_indexer(sessions)
    pd.DataFrame({"Date": sessions, "Close": closes}).to_csv(folder / f"{symbol}.csv", index=False)


@pytest.fixture
def project(new_project: Callable[[], CliProject]) -> FilesProject:
    plain = new_project()
    made = FilesProject(plain.home, plain.asset_url, plain.dagster_url)
    prices = made.home / "prices"
    prices.mkdir()
    for symbol in ("AAPL", "SPY"):
        write(prices, symbol, SESSIONS)
    write(prices, "MSFT", SESSIONS.difference(GAP))
    (made.home / "book.csv").write_text(LEDGER)
    assert made.here("import", str(made.home / "book.csv"), "--portfolio", "book") == 0
    assert made.here("backfill", "--start", "2022-11-14", "--end", "2022-12-16") == 0
    return made


def line(shown: str, symbol: str) -> list[str]:
    return next(text.split() for text in shown.splitlines() if text.startswith(f"{symbol} "))


def test_fill_fetches_what_the_provider_has_by_now(project: FilesProject) -> None:
    shown = project.ok("coverage")
    assert line(shown, "MSFT")[:6] == ["MSFT", "20", "2022-11-14", "2022-12-16", "4", "0"]
    assert line(shown, "SPY")[:6] == ["SPY", "24", "2022-11-14", "2022-12-16", "0", "0"]
    assert "2 held symbols, 24 sessions" in shown
    assert "short: MSFT: 20 sessions" in shown
    assert "files: " in shown
    said = json.loads(project.ok("coverage", "--json"))
    assert said["short"] == {"MSFT": 20}
    assert said["symbols"][0].items() >= {"symbol": "MSFT", "first": "2022-11-14", "gaps": 4}.items()
    assert "Nothing to fill: the provider has no more." in project.ok("coverage", "--fill")

    write(project.home / "prices", "MSFT", SESSIONS)
    assert "sigmasight stale --rerun" in project.ok("coverage", "--fill")
    warehouse = project.warehouse()
    filled = warehouse.read(DailyPrices, GAP, symbols=["MSFT"])
    assert filled["close"].tolist() == (100.0 + SESSIONS.get_indexer(GAP)).tolist()
    assert line(project.ok("coverage"), "MSFT")[:6] == ["MSFT", "24", "2022-11-14", "2022-12-16", "0", "0"]

    assert "realized_volatility" in project.ok("stale", "--rerun")
    whole = warehouse.read(RealizedVolatility, [SESSIONS[-1]], symbols=["MSFT"])
    assert whole["n_obs"].tolist() == [23]
    assert "Nothing to fill" in project.ok("coverage", "--fill")


def test_names_in_dividend_yields_that_nobody_knows_are_told() -> None:
    def platform(named: dict[str, float], listed: frozenset[str] | None) -> Any:
        return SimpleNamespace(
            settings=SimpleNamespace(dividend_yields=named),
            factor_model=SimpleNamespace(factors=[SimpleNamespace(proxy="SPY"), SimpleNamespace(proxy=None)]),
            warehouse=SimpleNamespace(positions=lambda: pd.DataFrame({"underlying": ["KO", "KO"]})),
            market_data=SimpleNamespace(symbols=lambda: listed),
        )

    assert unknown_dividend_names(platform({}, None)) == ""
    assert unknown_dividend_names(platform({"KO": 0.03, "SPY": 0.01}, None)) == ""
    assert unknown_dividend_names(platform({"PEP": 0.03}, frozenset({"PEP"}))) == ""
    told = unknown_dividend_names(platform({"KO": 0.03, "K0": 0.03, "PEP": 0.02}, None))
    assert told.startswith("dividend_yields names K0, PEP: no portfolio holds that")
    assert "correct SIGMASIGHT_DIVIDEND_YIELDS" in told
