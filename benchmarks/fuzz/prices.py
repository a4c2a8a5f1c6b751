"""Price files: read by the provider `files`, judged, held by a lot, whose value is what is published."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.fuzz.mutations import Mutation, Rng, Sheet, encoded, mutated
from benchmarks.fuzz.outcomes import Outcome, Result, off
from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
from sigmasight_core.ledger.price_doubts import MarketFacts, price_doubts
from sigmasight_core.market.plausibility.judge import judge
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_dagster.providers.files.provider import FilesProvider

DAYS: Final = calendar.sessions("2021-01-04", "2021-07-30")
SPLIT: Final = pd.Timestamp("2021-04-15")
QUANTITY: Final = 100.0
HEADER: Final = "ticker,quantity,entry_price,entry_date"


def _closes(rng: Rng) -> np.ndarray:
    """A share as it was traded, with a split of 4:1."""
    steps = rng.normal(0.0003, rng.uniform(0.008, 0.03), len(DAYS))
    closes = rng.uniform(8, 400) * np.exp(steps.cumsum())
    return np.where(DAYS >= SPLIT, closes / 4, closes)


def _sheet(closes: np.ndarray, rng: Rng) -> Sheet:
    spread = rng.uniform(0.002, 0.02, (2, len(closes)))
    columns = {
        "Date": [f"{day:%Y-%m-%d}" for day in DAYS],
        "Open": [f"{value:.4f}" for value in closes * (1 + (spread[0] - spread[1]) / 2)],
        "High": [f"{value:.4f}" for value in closes * (1 + spread[0])],
        "Low": [f"{value:.4f}" for value in closes * (1 - spread[1])],
        "Close": [f"{value:.4f}" for value in closes],
        "Volume": [f"{value:.0f}" for value in rng.uniform(1e5, 9e7, len(closes))],
    }
    names = list(columns) if rng.random() < 0.6 else ["Date", "Close"]
    rows = [list(cells) for cells in zip(*(columns[name] for name in names), strict=True)]
    return Sheet(names, rows, tuple(name for name in names if name not in ("Date", "Volume")), "Date")


def price_is_a_volume(sheet: Sheet, rng: Rng) -> Sheet:
    """The close of a row is a volume."""
    return sheet.changed(
        int(rng.integers(len(sheet.rows))), "Close", lambda _: str(int(rng.uniform(1e5, 9e7)))
    )


def split_without_action(sheet: Sheet, rng: Rng) -> Sheet:
    """Prices fall to a half or a tenth for good, and nobody tells a split."""
    factor = float(rng.choice([1 / 2, 1 / 3, 1 / 5, 1 / 10, 10.0]))
    first = int(rng.integers(10, len(sheet.rows) - 10))
    return sheet.mapped(sheet.prices, first, len(sheet.rows), lambda word: f"{float(word) * factor:.4f}")


def another_company(sheet: Sheet, rng: Rng) -> Sheet:
    """From one day on the file holds somebody else's prices."""
    factor, first = float(rng.uniform(0.02, 30)), int(rng.integers(len(sheet.rows)))
    return sheet.mapped(sheet.prices, first, len(sheet.rows), lambda word: f"{float(word) * factor:.4f}")


def split_adjusted_file(sheet: Sheet, _rng: Rng) -> Sheet:
    """Prices before the split are in today's shares."""
    place = sheet.place("Date")
    before = sum(row[place] < f"{SPLIT:%Y-%m-%d}" for row in sheet.rows)
    return sheet.mapped(sheet.prices, 0, before, lambda word: f"{float(word) / 4:.4f}")


OWN: Final[dict[str, Mutation]] = {
    made.__name__: made
    for made in (price_is_a_volume, split_without_action, another_company, split_adjusted_file)
}


def _ratio(rng: Rng) -> tuple[str, str]:
    """How splits.csv tells the split: mostly as it was."""
    words = ["1:4", "0.25", "40", "1.253", "none"]
    word = str(rng.choice(words)) if rng.random() < 0.25 else ""
    if word == "none":
        return "split not told", ""
    return (
        f"split told as {word}" if word else ""
    ), f"symbol,ex_date,ratio\nAAA,{SPLIT:%Y-%m-%d},{word or 4}\n"


def _doubts(prices: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Doubts of prices and actions, as the assets judge them, without a second source."""
    nothing = pd.DataFrame({"date": pd.DatetimeIndex([]), "symbol": pd.Series(dtype="str"), "close": []})
    keys = ["table_name", "date", "symbol", "kind"]
    confirmed = pd.DataFrame({name: pd.Series(dtype="str") for name in keys}).astype(
        {"date": "datetime64[ns]"}
    )
    return judge(prices=prices, actions=actions, confirmed=confirmed, others=nothing, limits=Limits()).doubts


def run(seed: int, folder: Path) -> Result:
    """One mutated file."""
    rng = np.random.default_rng([1, seed])
    closes = _closes(rng)
    what, sheet = mutated(_sheet(closes, rng), rng, OWN)
    told, splits = _ratio(rng)
    encoding, data = encoded(sheet.text(), rng)
    what = " + ".join(filter(None, (what, told, encoding)))
    (folder / "AAA.csv").write_bytes(data)
    (folder / "splits.csv").unlink(missing_ok=True)
    if splits:
        (folder / "splits.csv").write_text(splits)
    try:
        outcome, detail = _published(FilesProvider(folder), closes, int(rng.integers(5, 60)))
    except InputError as error:
        return Result("prices", what, Outcome.REFUSED, str(error).replace(str(folder), ""))
    return Result("prices", what, outcome, detail)


def _published(provider: FilesProvider, closes: np.ndarray, entry: int) -> tuple[Outcome, str]:
    """What is said of a lot that was bought at the true close of a day."""
    prices = provider.daily_prices(None, DAYS[0].date(), DAYS[-1].date())
    actions = provider.corporate_actions(None, DAYS[0].date(), DAYS[-1].date())
    doubts = _doubts(prices, actions)
    doubted = set(doubts.loc[(doubts["table_name"] == "daily_prices") & (doubts["kind"] == "close"), "date"])
    unsure = set(doubts.loc[doubts["table_name"] == "corporate_actions", "date"])
    lot = f"{HEADER}\nAAA,{QUANTITY:.0f},{closes[entry]:.4f},{DAYS[entry]:%Y-%m-%d}\n"
    parsed = parse_portfolio_csv(lot, "book", "book.csv", DAYS[-1])
    warned = price_doubts(
        positions=parsed.positions,
        written=parsed.positions[["entry_price", "exit_price"]].assign(line=parsed.lines),
        facts=MarketFacts(prices.assign(source="files"), actions),
        shares_of="entry",
        cure="",
    )
    shown = prices[prices["close"].notna() & ~prices["date"].isin(doubted) & (prices["date"] >= DAYS[entry])]
    known = actions[~actions["date"].isin(unsure) & (actions["date"] > DAYS[entry])]
    shares = QUANTITY * np.prod(
        np.where(
            known["date"].to_numpy()[None, :] <= shown["date"].to_numpy()[:, None],
            known["amount"].to_numpy(dtype=float)[None, :],
            1.0,
        ),
        axis=1,
    )
    true = QUANTITY * np.where(DAYS >= SPLIT, 4.0, 1.0) * closes
    if DAYS[entry] >= SPLIT:
        true = QUANTITY * closes
    expected = pd.Series(true, DAYS).reindex(shown["date"]).to_numpy()
    value = shares * shown["close"].to_numpy()
    wrong = off(value, expected)
    if wrong.any() and warned.empty and not unsure:
        at = int(wrong.argmax())
        day = shown["date"].iloc[at]
        return Outcome.WRONG, f"{wrong.sum()} days, {day:%Y-%m-%d}: {value[at]:.6g} for {expected[at]:.6g}"
    if len(doubts) or len(warned):
        return Outcome.DOUBTFUL, " ".join([*doubts.get("reason", []), *warned["reason"]])[:200]
    return Outcome.RIGHT, ""
