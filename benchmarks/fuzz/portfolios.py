"""Portfolio files: read, and held against the closes of their days; their lots are what is published."""

from typing import Final

import numpy as np
import pandas as pd

from benchmarks.fuzz.mutations import Mutation, Rng, Sheet, encoded, mutated
from benchmarks.fuzz.outcomes import Outcome, Result, off
from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.ledger.price_doubts import MarketFacts, price_doubts
from sigmasight_core.tables import CorporateActions

AS_OF: Final = pd.Timestamp("2021-07-30")
DAYS: Final = calendar.sessions("2021-01-04", AS_OF)
NAMES: Final = ("AAA", "BBB", "CCC", "DDD")
NO_ACTIONS: Final = CorporateActions.empty()


def _market(rng: Rng) -> pd.DataFrame:
    steps = rng.normal(0.0003, 0.015, (len(DAYS), len(NAMES)))
    closes = rng.uniform(8, 400, len(NAMES)) * np.exp(steps.cumsum(axis=0))
    return pd.DataFrame(closes, DAYS, pd.Index(NAMES))


def _sheet(market: pd.DataFrame, rng: Rng) -> Sheet:
    """Seven lots at about the closes of their days; those of a name are all long or all short."""
    rows, signs = [], dict(zip(NAMES, rng.choice([1, 1, -1], len(NAMES)), strict=True))
    for _ in range(7):
        day, name = DAYS[int(rng.integers(len(DAYS)))], str(rng.choice(NAMES))
        price = market.loc[day, name] * rng.uniform(0.99, 1.01)
        rows.append([name, f"{rng.integers(1, 900) * signs[name]}", f"{price:.2f}", f"{day:%Y-%m-%d}"])
    return Sheet(["ticker", "quantity", "entry_price", "entry_date"], rows, ("entry_price",), "entry_date")


def total_cost(sheet: Sheet, _rng: Rng) -> Sheet:
    """The price column holds what the lots cost."""
    rows = [[*row[:2], f"{abs(float(row[1])) * float(row[2]):.2f}", *row[3:]] for row in sheet.rows]
    return Sheet(sheet.header, rows, sheet.prices, sheet.date)


def side_column(sheet: Sheet, rng: Rng) -> Sheet:
    """Short positions by a word, quantities without a sign."""
    names = str(rng.choice(["Side", "Action", "Type", "Long/Short", "Direction"]))
    words = {"Action": ("Buy", "Sell Short")}.get(names, ("Long", "Short"))
    rows = [[row[0], row[1].lstrip("-"), *row[2:], words[row[1].startswith("-")]] for row in sheet.rows]
    return Sheet([*sheet.header, names], rows, sheet.prices, sheet.date)


def other_currency(sheet: Sheet, rng: Rng) -> Sheet:
    """Prices in euros or pence, with a column that says so."""
    rate, word = (0.85, "EUR") if rng.random() < 0.5 else (72.0, "GBX")
    rows = [[*row[:2], f"{float(row[2]) * rate:.2f}", *row[3:], word] for row in sheet.rows]
    return Sheet([*sheet.header, str(rng.choice(["Currency", "CCY", "Cur"]))], rows, sheet.prices, sheet.date)


def totals_row(sheet: Sheet, _rng: Rng) -> Sheet:
    """The last line is a sum."""
    quantity = sum(float(row[1]) for row in sheet.rows)
    return Sheet(sheet.header, [*sheet.rows, ["Total", f"{quantity:.0f}", "", ""]], sheet.prices, sheet.date)


OWN: Final[dict[str, Mutation]] = {
    made.__name__: made for made in (total_cost, side_column, other_currency, totals_row)
}
MAY_LOSE_ROWS: Final = ("dropped_rows", "cut off")
"""What no reader can see in a ledger: rows that are gone."""


def run(seed: int) -> Result:
    """One mutated file."""
    rng = np.random.default_rng([2, seed])
    market = _market(rng)
    given = _sheet(market, rng)
    what, sheet = mutated(given, rng, OWN)
    encoding, data = encoded(sheet.text(), rng)
    what = " + ".join(filter(None, (what, encoding)))
    try:
        parsed = parse_portfolio_csv(data, "book", "book.csv", AS_OF, set(NAMES))
    except InputError as error:
        return Result("portfolio", what, Outcome.REFUSED, str(error))
    doubts = _doubts(parsed, market)
    lines = {*doubts["line"], *parsed.warnings["line"]}
    wrong = _wrong(parsed, given, lines)
    lost = len(given.rows) - len(parsed.positions) - len(parsed.errors)
    if not wrong and lost > 0 and not any(name in what for name in MAY_LOSE_ROWS):
        wrong = f"{lost} of {len(given.rows)} lots are gone"
    if wrong:
        return Result("portfolio", what, Outcome.WRONG, wrong)
    if len(parsed.errors):
        return Result("portfolio", what, Outcome.REFUSED, str(parsed.errors["reason"].iloc[0]))
    if len(doubts) or len(parsed.warnings):
        return Result(
            "portfolio", what, Outcome.DOUBTFUL, str([*doubts["reason"], *parsed.warnings["reason"]][0])
        )
    return Result("portfolio", what, Outcome.RIGHT, "")


def _doubts(parsed: ParsedPortfolio, market: pd.DataFrame) -> pd.DataFrame:
    closes = market.rename_axis("date").reset_index().melt("date", var_name="symbol", value_name="close")
    facts = closes.assign(high=np.nan, low=np.nan, source="files")
    return price_doubts(
        positions=parsed.positions,
        written=parsed.positions[["entry_price", "exit_price"]].assign(line=parsed.lines),
        facts=MarketFacts(facts, NO_ACTIONS),
        shares_of="entry",
        cure="--shares-of today",
    )


def _wrong(parsed: ParsedPortfolio, given: Sheet, lines: set[int]) -> str:
    """A lot that is taken without a word and is worth what no given one is; '' where there is none.

    A price of 0 is a gift, which is accepted.
    """
    lots = pd.DataFrame(given.rows, columns=["symbol", "quantity", "price", "date"])
    lots = lots.astype({"quantity": float, "price": float})
    for row, line in zip(parsed.positions.itertuples(), parsed.lines, strict=True):
        same = lots[lots["symbol"] == row.symbol]
        price, quantity = (np.full(len(same), float(value)) for value in (row.entry_price, row.quantity))
        far = off(price, same["price"].to_numpy()) & (price > 0) | off(quantity, same["quantity"].to_numpy())
        if far.all() and line not in lines:
            lot = f"{row.symbol} {row.quantity} @ {row.entry_price} on {row.entry_date:%Y-%m-%d}"
            return f"line {line}: {lot}"
    return ""
