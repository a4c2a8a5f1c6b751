"""Market data, quotes, returns and settings: every case of them from the field, and more of its kind."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.files.provider import FilesProvider
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.core.account import account_inputs
from sigmasight_dagster_tests.core.options.quote_inputs import NAN, closes, contract, implied, quote
from sigmasight_dagster_tests.core.risk import test_performance as performance
from sigmasight_dagster_tests.core.risk.risk_inputs import SESSIONS, Holdings
from sigmasight_dagster_tests.core.risk.test_historical_simulation import simulate
from sigmasight_dagster_tests.field_cases.reading import Case

FOLDER: Final = {"AAA.csv": "Date,Close\n1990-01-02,5\n1990-01-03,6\n"}
WEEK: Final = (pd.Timestamp("1990-01-02").date(), pd.Timestamp("1990-01-03").date())
YIELDS: Final = "SIGMASIGHT_DIVIDEND_YIELDS"


def delivered(files: dict[str, str]) -> dict[str, Any]:
    """A directory of the provider `files`."""
    with TemporaryDirectory() as folder:
        for name, text in {**FOLDER, **files}.items():
            (Path(folder) / name).write_text(text)
        provider = FilesProvider(Path(folder))
        yields = provider.treasury_yields(*WEEK).query("series == '10Y'")
        return {
            "symbols": provider.symbols(),
            "closes": provider.daily_prices({"AAA"}, *WEEK)["close"].tolist(),
            "yields": yields["yield_percent"].tolist(),
        }


def configured(setting: tuple[str, str]) -> dict[str, Any]:
    """A setting of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*setting)
        try:
            return {"refused": "", "yields": Settings().dividend_yields}
        except InputError as error:
            return {"refused": str(error)}


def wealth(losses: list[float]) -> dict[str, Any]:
    """Sixty daily returns of +1% and these losses."""
    days = SESSIONS[-60:]
    values = np.full(60, 0.01)
    values[20 : 20 + 7 * len(losses) : 7] = losses
    wanted = performance.partitions((days[-1], "book"))
    found, status = performance.realized(wanted, performance.frame(days, values), days)
    return {"status": status[0], "null": bool(np.isnan([found.drawdown[0], found.sharpe[0]]).all())}


def sold(trades: tuple[str, str, float]) -> dict[str, Any]:
    """Ten shares from a close of 50 on, all or some of them gone at a close of 60, beside 1,000 in cash."""
    opening, closing, quantity = trades
    days = account_inputs.sessions(account_inputs.START, "2022-01-10")
    rows = (
        account_inputs.entry(days[1], "deposit", amount=1000.0),
        account_inputs.entry(days[1], opening, "AAA", 10, 50.0),
        account_inputs.entry(days[3], closing, "AAA", quantity, 60.0),
    )
    closes = {"AAA": [50.0, 50.0, 60.0, 60.0, 60.0, 60.0]}
    made = account_inputs.Account(account_inputs.history(*rows), closes)
    return {"totals": made.total.tolist()[1:], "cash": made.cash["closing"].tolist()[2:4]}


def tail(moves: tuple[float, float, int]) -> dict[str, Any]:
    """Short 1,000 shares that were quiet, jumped and are wild since: losses over the position's value."""
    quiet, wild, jumps = moves
    rng = np.random.default_rng(7)
    steps = rng.normal(0, quiet, len(SESSIONS))
    steps[-45:] = rng.normal(0, wild, 45)
    steps[-45 - jumps : -45] = np.log(3.1)
    frame = pd.DataFrame(steps[:, None], index=SESSIONS, columns=pd.Index(["SPC"], dtype="str"))
    found = simulate(Holdings().hold("SPC", -1000, 246.0), frame)
    losses = np.array([*found.value_at_risk[0], *found.expected_shortfall[0], found.deviation[0]]) / 246_000
    plausible = bool((losses > 0.01).all() and (losses < 4).all())
    return {"plausible": plausible, "bounded": found.n_bounded[0] > 0}


def quoted(sides: tuple[float, float, float]) -> dict[str, Any]:
    """A call of this strike, bid and ask while the share is at 104."""
    strike, bid, ask = sides
    day = "2024-03-06"
    found = implied([quote(day, contract(strike, True, root="A"), bid, ask)], closes((day, "A", 104.0))).iloc[
        0
    ]
    within = max(104 - strike, 0) <= found["price"] <= ask
    return {"within": bool(within), "said": found["status"], "source": found["implied_vol_source"]}


CASES: Final[list[Case]] = [
    Case(
        "25",
        sold,
        ("buy", "sell", 10),
        {"totals": [1000.0, 1100.0, 1100.0, 1100.0, 1100.0], "cash": [500.0, 1100.0]},
    ),
    Case(
        "25",
        sold,
        ("buy", "sell", 4),
        {"totals": [1000.0, 1100.0, 1100.0, 1100.0, 1100.0], "cash": [500.0, 740.0]},
    ),
    Case(
        "25",
        sold,
        ("short", "cover", 10),
        {"totals": [1000.0, 900.0, 900.0, 900.0, 900.0], "cash": [1500.0, 900.0]},
    ),
    Case(
        "12",
        delivered,
        {"treasury_10y.csv": "observation_date,DGS10\n1989-12-25,\n1990-01-02,7.94\n1990-01-03,7.99\n"},
        {"yields": [7.94, 7.99]},
    ),
    Case(
        "12",
        delivered,
        {"treasury_10y.csv": "DATE,VALUE\n1962-01-02,4.06\n1976-06-01,.\n1990-01-02,7.94\n1990-01-03,7.99\n"},
        {"yields": [7.94, 7.99]},
    ),
    Case(
        "12",
        delivered,
        {"AAA.csv": "Date,Close\n1971-03-01,1\n1989-12-29,4\n1990-01-02,5\n1990-01-03,6\n"},
        {"closes": [5.0, 6.0]},
    ),
    Case("14", configured, (YIELDS, '{"KO":3.2}'), {"refused": "KO: 3.2 is wrong"}),
    Case("14", configured, (YIELDS, '{"KO":0.03,"X":-0.01}'), {"refused": "X: -0.01 is wrong"}),
    Case("14", configured, ("SIGMASIGHT_DIVIDEND_YIELD", "2.9"), {"refused": "a number from 0 to 1"}),
    Case("14", configured, (YIELDS, '{"bf.b":0.02}'), {"refused": "^$", "yields": {"BF-B": 0.02}}),
    Case("24", wealth, [-1.6, -1.4], {"status": "wealth fell below zero", "null": True}),
    Case("24", wealth, [-1.01], {"status": "wealth fell below zero", "null": True}),
    Case("24", wealth, [-0.2, -3.0, -0.1], {"status": "wealth fell below zero", "null": True}),
    Case("24", wealth, [-0.99], {"status": "ok", "null": False}),
    Case("48", delivered, {"._AAA.csv": "Mac OS X\x05\x16"}, {"symbols": {"AAA"}, "closes": [5.0, 6.0]}),
    Case("48", delivered, {".DS_Store": "\x00\x01Bud1"}, {"symbols": {"AAA"}}),
    Case("48", delivered, {"._treasury_10y.csv": "Mac", ".AAA.csv.swp": "b0VIM"}, {"symbols": {"AAA"}}),
    Case("51", tail, (0.001, 0.09, 2), {"plausible": True, "bounded": True}),
    Case("51", tail, (0.0001, 0.09, 1), {"plausible": True, "bounded": True}),
    Case("51", tail, (0.00001, 0.05, 3), {"plausible": True, "bounded": True}),
    Case("53", quoted, (150, NAN, 0.05), {"within": True, "said": "no bid"}),
    Case("53", quoted, (150, 0.0, 0.30), {"within": True, "said": "no bid"}),
    Case("53", quoted, (100, NAN, 6.20), {"within": True, "said": "no bid"}),
    Case("54", quoted, (110, 0.05, 5.0), {"said": "doubtful", "source": "none"}),
    Case("54", quoted, (110, 1.0, 4.0), {"said": "doubtful", "source": "none"}),
    Case("54", quoted, (100, 0.2, 9.9), {"said": "doubtful", "source": "none"}),
    Case(
        "words",
        configured,
        ("SIGMASIGHT_PROVIDER", "yahoo"),
        {"refused": "SIGMASIGHT_PROVIDER: .*give one of sample, files"},
    ),
    Case(
        "words",
        configured,
        ("SIGMASIGHT_START_DATE", "31.1.2024"),
        {"refused": "SIGMASIGHT_START_DATE: .*YYYY-MM-DD"},
    ),
    Case("words", configured, (YIELDS, "KO:3%"), {"refused": 'as SIGMASIGHT_DIVIDEND_YIELDS={"KO": 0.031}'}),
]
