"""Each example file to its transactions, positions and cash, all written by hand from the file."""

import pandas as pd
import pytest

from sigmasight_core.brokers.detect import detect
from sigmasight_core.tables import Transactions, validate
from sigmasight_dagster_tests.core.brokers.reading import FOLDER, example, held, history_of, presets

NONE = None
Row = tuple[str, str, str, float, float | None, float, float]

EXPECTED: dict[str, list[Row]] = {
    "schwab": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 50000),
        ("2022-10-04", "buy", "AAPL", 100, 145.03, 0, -14503),
        ("2022-10-05", "buy", "MSFT", 40, 249.20, 0, -9968),
        ("2022-10-11", "buy", "AAPL221216C00150000", 2, 3.10, 1.32, -621.32),
        ("2022-10-12", "short", "MSFT221021P00230000", 1, 8.40, 0.66, 839.34),
        ("2022-10-18", "cover", "MSFT221021P00230000", 1, 1.15, 0.66, -115.66),
        ("2022-11-10", "dividend", "AAPL", 0, NONE, 0, 23),
        ("2022-11-14", "withdrawal", "", 0, NONE, 0, -1000),
        ("2022-11-29", "sell", "AAPL", 40, 141.17, 0.05, 5646.75),
        ("2022-11-30", "interest", "", 0, NONE, 0, 3.21),
        ("2022-12-15", "fee", "", 0, NONE, 0, -25),
        ("2022-12-16", "expiry", "AAPL221216C00150000", 2, 0, 0, 0),
    ],
    "fidelity": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 30000),
        ("2022-10-06", "buy", "JPM", 80, 114.02, 0, -9121.60),
        ("2022-10-14", "buy", "JPM221216C00140000", 1, 1.25, 0.68, -125.68),
        ("2022-10-31", "fee", "", 0, NONE, 0, -15),
        ("2022-10-31", "dividend", "JPM", 0, NONE, 0, 80),
        ("2022-11-21", "sell", "JPM", 30, 133.50, 0.10, 4004.90),
        ("2022-11-30", "interest", "", 0, NONE, 0, 12.75),
        ("2022-12-16", "expiry", "JPM221216C00140000", 1, 0, 0, 0),
    ],
    "etrade": [
        ("2022-10-04", "deposit", "", 0, NONE, 0, 15397.77),
        ("2022-10-07", "buy", "XOM", 60, 101.03, 0, -6061.80),
        ("2022-10-25", "fee", "", 0, NONE, 0, -20),
        ("2022-11-03", "short", "XOM221216P00100000", 1, 2.13, 0.51, 212.49),
        ("2022-11-08", "sell", "XOM", 25, 113.90, 0.06, 2847.44),
        ("2022-12-01", "interest", "", 0, NONE, 0, 1.18),
        ("2022-12-12", "dividend", "XOM", 0, NONE, 0, 31.85),
        ("2022-12-16", "expiry", "XOM221216P00100000", 1, 0, 0, 0),
    ],
    "robinhood": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 8000),
        ("2022-10-05", "buy", "MSFT", 12, 249.20, 0, -2990.40),
        ("2022-10-06", "buy", "AAPL", 12.5, 145.81, 0.005, -1822.63),
        ("2022-11-01", "buy", "HD221216C00340000", 2, 2.35, 0.08, -470.08),
        ("2022-11-10", "dividend", "AAPL", 0, NONE, 0, 2.88),
        ("2022-11-22", "sell", "MSFT", 5, 244, 0.03, 1219.97),
        ("2022-12-12", "fee", "", 0, NONE, 0, -5),
        ("2022-12-16", "expiry", "HD221216C00340000", 2, 0, 0, 0),
    ],
    "vanguard": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 12000),
        ("2022-10-05", "buy", "JNJ", 50, 162.37, 0, -8118.50),
        ("2022-11-16", "sell", "JNJ", 20, 172.49, 0.08, 3449.72),
        ("2022-11-30", "interest", "", 0, NONE, 0, 11.10),
        ("2022-12-06", "dividend", "JNJ", 0, NONE, 0, 33.90),
        ("2022-12-14", "fee", "", 0, NONE, 0, -5),
        ("2022-12-20", "withdrawal", "", 0, NONE, 0, -2500.37),
    ],
    "degiro": [
        ("2022-10-04", "deposit", "", 0, NONE, 0, 14000),
        ("2022-10-06", "buy", "MSFT", 30, 245.8507, -0.001, -7375.52),
        ("2022-10-06", "fee", "", 0, NONE, 0, -2),
        ("2022-11-15", "sell", "MSFT", 10, 241.97, 0, 2419.70),
        ("2022-11-15", "fee", "", 0, NONE, 0, -2),
        ("2022-12-02", "fee", "", 0, NONE, 0, -2.50),
        ("2022-12-12", "dividend", "MSFT", 0, NONE, 0, 13.60),
        ("2022-12-12", "tax", "MSFT", 0, NONE, 0, -2.04),
    ],
    "degiro_nl": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 3042),
        ("2022-10-05", "buy", "AAPL", 15, 144.10, 0, -2161.50),
        ("2022-10-05", "fee", "", 0, NONE, 0, -2),
        ("2022-11-08", "sell", "AAPL", 5, 139.50, 0, 697.50),
        ("2022-11-08", "fee", "", 0, NONE, 0, -2),
        ("2022-11-10", "dividend", "AAPL", 0, NONE, 0, 3.45),
        ("2022-11-10", "tax", "AAPL", 0, NONE, 0, -0.52),
    ],
    "trading212": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 5000),
        ("2022-10-04", "buy", "KO", 40, 56.25, 0, -2250),
        ("2022-10-06", "buy", "PG", 10, 128.40, 0, -1284),
        ("2022-11-21", "sell", "PG", 4, 145.10, 0, 580.40),
        ("2022-12-15", "dividend", "KO", 0, NONE, 0, 17.60),
        ("2022-12-15", "tax", "KO", 0, NONE, 0, -2.64),
        ("2022-12-20", "interest", "", 0, NONE, 0, 0.85),
        ("2022-12-21", "withdrawal", "", 0, NONE, 0, -600),
    ],
    "ibkr_flex": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 40000),
        ("2022-10-05", "buy", "JNJ", 50, 163.05, 1, -8153.50),
        ("2022-10-06", "short", "BAC", 200, 31.12, 1.35, 6222.65),
        ("2022-11-01", "buy", "JNJ221216C00185000", 3, 1.15, 2.10, -347.10),
        ("2022-11-10", "sell", "JNJ", 20, 171.20, 1.08, 3422.92),
        ("2022-11-29", "cover", "BAC", 50, 37.10, 1, -1856),
        ("2022-12-05", "interest", "", 0, NONE, 0, 21.40),
        ("2022-12-05", "fee", "", 0, NONE, 0, -4.50),
        ("2022-12-06", "dividend", "JNJ", 0, NONE, 0, 33.90),
        ("2022-12-06", "tax", "JNJ", 0, NONE, 0, -5.09),
        ("2022-12-16", "expiry", "JNJ221216C00185000", 3, 0, 0, 0),
    ],
    "ibkr_activity": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 400000),
        ("2022-10-06", "buy", "MSFT", 1400, 245.60, 7, -343847),
        ("2022-11-01", "short", "MSFT221216C00270000", 4, 3.05, 2.80, 1217.20),
        ("2022-11-03", "fee", "", 0, NONE, 0, -10),
        ("2022-11-15", "sell", "MSFT", 350, 242.40, 3.65, 84836.35),
        ("2022-12-05", "interest", "", 0, NONE, 0, 88.12),
        ("2022-12-08", "dividend", "MSFT", 0, NONE, 0, 714),
        ("2022-12-08", "tax", "MSFT", 0, NONE, 0, -107.10),
        ("2022-12-16", "expiry", "MSFT221216C00270000", 4, 0, 0, 0),
        ("2022-12-20", "withdrawal", "", 0, NONE, 0, -5000),
    ],
    "transactions": [
        ("2022-10-03", "deposit", "", 0, NONE, 0, 20000),
        ("2022-10-05", "buy", "CVX", 40, 157.70, 1, -6309),
        ("2022-10-12", "short", "WMT", 20, 131.20, 1, 2623),
        ("2022-11-01", "buy", "CVX221216C00190000", 2, 2.10, 1.30, -421.30),
        ("2022-11-15", "sell", "CVX", 15, 183.60, 1, 2753),
        ("2022-11-22", "cover", "WMT", 20, 151.90, 1, -3039),
        ("2022-12-12", "dividend", "CVX", 0, NONE, 0, 35.50),
        ("2022-12-12", "fee", "", 0, NONE, 0, -12),
        ("2022-12-14", "transfer_in", "KO", 25, 63.10, 0, 0),
        ("2022-12-16", "expiry", "CVX221216C00190000", 2, 0, 0, 0),
    ],
}
HELD: dict[str, tuple[dict[str, float], float]] = {
    "schwab": ({"AAPL": 60, "MSFT": 40}, 30279.32),
    "fidelity": ({"JPM": 50}, 24835.37),
    "etrade": ({"XOM": 35}, 12408.93),
    "robinhood": ({"AAPL": 12.5, "MSFT": 7}, 3934.74),
    "vanguard": ({"JNJ": 30}, 4870.85),
    "degiro": ({"MSFT": 20}, 9049.24),
    "degiro_nl": ({"AAPL": 10}, 1576.93),
    "trading212": ({"KO": 40, "PG": 6}, 1462.21),
    "ibkr_flex": ({"BAC": -150, "JNJ": 30}, 39334.68),
    "ibkr_activity": ({"MSFT": 1050}, 137891.57),
    "transactions": ({"CVX": 25, "KO": 25}, 15630.20),
}
"""What the account holds at the end, and its cash: as the file itself says it where it does."""


def test_every_preset_has_an_example_and_every_example_an_expectation() -> None:
    assert (
        sorted(presets())
        == sorted(EXPECTED)
        == sorted(HELD)
        == sorted(path.stem for path in FOLDER.glob("*.csv"))
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_transactions(name: str) -> None:
    history = history_of(name)
    assert history.errors.empty
    validate(Transactions, history.transactions)
    rows = history.transactions
    wanted = pd.DataFrame(
        EXPECTED[name], columns=["date", "kind", "symbol", "quantity", "price", "fees", "amount"]
    )
    found = rows[list(wanted)].assign(date=rows["date"].dt.strftime("%Y-%m-%d"))
    types = {
        "date": "str",
        "kind": "str",
        "symbol": "str",
        "quantity": float,
        "price": float,
        "fees": float,
        "amount": float,
    }
    pd.testing.assert_frame_equal(found, wanted.astype(types), check_exact=False, rtol=0, atol=6e-5)


@pytest.mark.parametrize("name", HELD)
def test_positions_and_cash(name: str) -> None:
    history = history_of(name)
    quantities, cash = HELD[name]
    assert held(history) == pytest.approx(quantities)
    assert history.transactions["amount"].sum() == pytest.approx(cash, abs=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_amount_of_a_trade_is_its_quantity_price_and_fees(name: str) -> None:
    rows = history_of(name).transactions
    trades = rows[rows["kind"].isin(("buy", "sell", "short", "cover"))]
    sign = trades["kind"].map({"buy": -1, "cover": -1, "sell": 1, "short": 1})
    units = trades["quantity"] * trades["symbol"].str.len().gt(10).map({True: 100, False: 1})
    expected = sign * units * trades["price"] - trades["fees"]
    assert trades["amount"].to_numpy() == pytest.approx(expected.to_numpy(), abs=2e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_format_is_told_by_the_file(name: str) -> None:
    assert detect(example(name).encode(), "file.csv", presets()) == name


@pytest.mark.parametrize("name", EXPECTED)
def test_every_line_is_explained(name: str) -> None:
    """Each line that is not blank, or the first line of a record that runs over several, has its entry."""
    explained = history_of(name).explained
    quotes = 0
    for number, line in enumerate(example(name).splitlines(), start=1):
        if line.strip(", ") and quotes % 2 == 0:
            assert number in set(explained["line"]), line
        quotes += line.count('"')
