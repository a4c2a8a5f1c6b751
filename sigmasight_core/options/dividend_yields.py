"""Dividend yields that price options: a year's cash dividends over the close, or what the settings say.

dividend_yield = sum of the cash dividends with an ex-date in (t - 365 days, t], per share of the day t, over
the close of t. It is used as a continuous yield. A special dividend counts for the year after its ex-date.

What was paid is known where the closes reach back a year and the adjusted closes fell behind the closes by no
more than the stored dividends explain. A source that gave nobody's dividend in a year gives none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import (
    FAR_DAY,
    LastKnown,
    codes_of,
    day_numbers,
    take,
    text_column,
    timestamps,
)
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OK
from sigmasight_core.market.corporate_actions import Dividends, Splits
from sigmasight_core.options.exercise import EUROPEAN_ROOTS
from sigmasight_core.options.occ import UNDERLYINGS
from sigmasight_core.options.parameters import ESCROWED, OptionParameters

YEAR_DAYS: Final = 365
BASE_AGE_DAYS: Final = 10
"""The close of a year ago may be this much older."""
HIGHEST_YIELD: Final = 1.0
"""As in the settings: dividends of a year above the close are doubtful."""
OF_DIVIDENDS: Final = "dividends of 365 days"
MOST_A_YEAR: Final = 12
"""Where the last dividend is contained more often in the year's sum, that has others: no list is expected."""

INDICES: Final = frozenset({UNDERLYINGS.get(root, root) for root in EUROPEAN_ROOTS} | {"OEX"})
"""Underlyings that pay nothing themselves, although their shares do."""
AN_INDEX: Final = "an index, whose shares pay the dividends"
NO_YEAR: Final = "no year of closes"
NO_DIVIDENDS_GIVEN: Final = "nobody's dividends of a year are stored"
UNKNOWN: Final = "dividends are not known: the adjusted closes tell of others than those that are stored"
ABOVE_CLOSE: Final = "doubtful: the dividends of 365 days are above the close"
NO_ROW: Final = "no dividend_yields of the session"
_REASONS: Final = ("", AN_INDEX, NO_YEAR, NO_DIVIDENDS_GIVEN, UNKNOWN, ABOVE_CLOSE)

_SLACK: Final = 0.002
_ROUNDING_USD: Final = 0.005
"""Closes and adjusted closes may be rounded to cents."""


class _Paid(NamedTuple):
    """Dividends of a year, elementwise over (symbol, day)."""

    amount: Floats
    """Sum, USD per share of the day."""
    log_growth: Floats
    """What reinvesting them adds to the logarithm of the number of shares."""
    times: Ints
    """How many there were."""
    last: Floats
    """The last one, USD per share of the day; NaN = none."""
    last_day: Ints
    """Its ex-date; -1 = none."""


def dividend_yields(
    *,
    dates: pd.DatetimeIndex,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    parameters: OptionParameters,
) -> pd.DataFrame:
    """Dividend yield of every symbol with a close of its own on each of the dates.

    The settings' yield where they name the symbol. Else that of the dividends of 365 days. Else the
    settings' default, and `dividend_yield_source` says why.

    The next dividend is expected as long after the last one as the year's were apart on average, with the
    last one's amount; none where that time has passed by more than half.

    :param prices: `tables.DailyPrices` rows of the dates and the 375 days before.
    :param corporate_actions: `tables.CorporateActions` rows of the same time.
    :returns: rows in the shape of `tables.DividendYields`; the dividends are NULL where they are not known,
        with a status that says why.
    """
    own = prices[prices["close"].notna() & prices["price_date"].isna()]
    rows = own[own["date"].isin(dates)]
    names = pd.Index(own["symbol"].unique())
    codes, day = codes_of(names, rows["symbol"]), day_numbers(rows["date"])
    splits = Splits.of(names, corporate_actions)
    closes = _Closes.of(names, own)
    paid = _paid(codes, day, Dividends.of(names, corporate_actions, splits), closes)
    close = rows["close"].to_numpy(dtype=float)
    reason = np.select(
        [
            names.isin(INDICES)[codes],
            ~closes.reach(codes, day - YEAR_DAYS),
            ~_given(corporate_actions, day),
            ~(_unexplained(closes, splits, codes, day, paid) <= 0) | np.isnan(paid.amount),
            paid.amount > HIGHEST_YIELD * close,
        ],
        range(1, len(_REASONS)),
        0,
    )
    known = reason == 0
    expected = _next_day(paid, day)
    due = known & (expected != FAR_DAY)
    named = names.isin(parameters.dividend_yields)[codes]
    taken = known & ~named
    source = np.where(named, 0, np.where(known, 1, 1 + reason))
    settings = parameters.dividend_yield_source
    return rows[["date", "symbol"]].assign(
        dividends=np.where(known, paid.amount, np.nan),
        dividend_yield=np.where(taken, paid.amount / close, parameters.yields_of(names)[codes]),
        dividend_yield_source=text_column(
            (settings, OF_DIVIDENDS, *(default_source(settings, text) for text in _REASONS[1:])), source
        ),
        expected_ex_date=timestamps(np.where(due, expected, FAR_DAY)),
        expected_dividend=np.where(due, paid.last, np.where(known, 0.0, np.nan)),
        status=text_column((OK, *_REASONS[1:]), reason),
    )


def default_source(settings: str, reason: str) -> str:
    """Source of a yield that is the settings' default."""
    return f"{settings}: {reason}"


@dataclass(frozen=True)
class _Closes:
    """Closes and adjusted closes by symbol and day."""

    index: LastKnown
    days: Ints
    close: Floats
    adjusted: Floats

    @classmethod
    def of(cls, names: pd.Index, prices: pd.DataFrame) -> "_Closes":
        codes, days = codes_of(names, prices["symbol"]), day_numbers(prices["date"])
        close, adjusted = (prices[name].to_numpy(dtype=float) for name in ("close", "adjusted_close"))
        return cls(LastKnown.of(codes, days, np.isfinite(close + adjusted)), days, close, adjusted)

    def before(self, codes: Ints, at: Ints) -> Ints:
        """Row of the last close on or before the day `at`, at most BASE_AGE_DAYS old; -1 = none."""
        return self.index.find(codes, at, BASE_AGE_DAYS)

    def reach(self, codes: Ints, at: Ints) -> Bools:
        return np.asarray(self.before(codes, at) >= 0)


def _paid(codes: Ints, day: Ints, dividends: Dividends, closes: _Closes) -> _Paid:
    """Sums over the year, from the last dividend to the first: the same bits whatever else is loaded."""
    size = day.shape
    amount, log_growth, last = np.zeros(size), np.zeros(size), np.full(size, np.nan)
    count, last_day = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    rows, at = np.arange(day.size), day.copy()
    while rows.size:
        found = dividends.index.find(codes[rows], at)
        ex_day = np.where(found >= 0, dividends.days[found], -1) if dividends.days.size else found
        left = (found >= 0) & (ex_day > day[rows] - YEAR_DAYS)
        rows, found, ex_day = rows[left], found[left], ex_day[left]
        paid = dividends.amounts[found]
        restated = paid / dividends.splits.ratio(codes[rows], after=ex_day, until=day[rows])
        first = count[rows] == 0
        last[rows[first]], last_day[rows[first]] = restated[first], ex_day[first]
        amount[rows] += restated
        log_growth[rows] += _log_growth(codes[rows], ex_day, paid, dividends.splits, closes)
        count[rows] += 1
        at = ex_day - 1
    return _Paid(amount, log_growth, count, last, last_day)


def _log_growth(codes: Ints, ex_day: Ints, paid: Floats, splits: Splits, closes: _Closes) -> Floats:
    """-ln(1 - dividend / close before the ex-date), as adjusted closes have it; 0 where it is not known."""
    row = closes.before(codes, ex_day - 1)
    made_on = np.where(row >= 0, closes.days[row], -1)
    share = paid * splits.ratio(codes, after=made_on, until=ex_day) / take(closes.close, row)
    return np.nan_to_num(-np.log1p(-np.where(share < 1, share, np.nan)))


def _unexplained(closes: _Closes, splits: Splits, codes: Ints, day: Ints, paid: _Paid) -> Floats:
    """By how much more the year's adjusted closes grew than closes and dividends did, less what rounds."""
    now, then = closes.before(codes, day), closes.before(codes, day - YEAR_DAYS)
    ratio = splits.ratio(codes, after=np.where(then >= 0, closes.days[then], day), until=day)
    adjusted = take(closes.adjusted, now), take(closes.adjusted, then)
    traded = take(closes.close, now) * ratio, take(closes.close, then)
    grown = np.log(adjusted[0] / adjusted[1]) - np.log(traded[0] / traded[1])
    rounding = _ROUNDING_USD * sum(1 / price for price in (*adjusted, *traded))
    return grown - paid.log_growth - _SLACK - rounding


def _given(corporate_actions: pd.DataFrame, day: Ints) -> Bools:
    """Whether anybody's dividend of the year before each day is stored."""
    dividends = corporate_actions["kind"] == "dividend"
    days = np.sort(day_numbers(corporate_actions.loc[dividends, "date"]))
    return np.searchsorted(days, day, side="right") > np.searchsorted(days, day - YEAR_DAYS, side="right")


def _next_day(paid: _Paid, day: Ints) -> Ints:
    """Day on which the next dividend is expected; FAR_DAY = none."""
    interval = YEAR_DAYS // np.maximum(paid.times, 1)
    overdue = day - paid.last_day - interval
    lapsed = (paid.times == 0) | (2 * overdue > interval)
    return np.where(lapsed, FAR_DAY, np.maximum(paid.last_day + interval, day + 1))


class Expected(NamedTuple):
    """What an option's price takes from the dividends of its underlying, elementwise."""

    dividend_yield: Floats
    source: Ints
    """Place in `DividendLookup.sources`."""
    ex_day: Ints
    """Day number of the next ex-date that is expected; FAR_DAY = none is known."""
    amount: Floats
    """USD per share of the day asked for; NaN = none is known."""
    interval: Ints
    """Days between the dividends that are expected in cash; 0 = they are priced by the yield."""

    def cash(self, at: Ints) -> tuple[Floats, Floats, Floats]:
        """Days from `at` to the next ex-date, days between ex-dates (0 = by the yield), and amount."""
        due = (self.interval > 0) & (self.ex_day != FAR_DAY) & (self.amount > 0)
        days = np.where(due, self.ex_day - at, 0).astype(float)
        return days, self.interval.astype(float), np.where(due, self.amount, 0.0)


@dataclass(frozen=True)
class DividendLookup:
    """Rows of `tables.DividendYields` by underlying and session."""

    index: LastKnown
    rows: Expected
    sources: tuple[str, ...]
    fallback: Floats
    """The settings' yield of each name."""
    is_named: Bools

    @classmethod
    def of(cls, names: pd.Index, rows: pd.DataFrame, parameters: OptionParameters) -> "DividendLookup":
        """Index a long frame in the shape of `tables.DividendYields`."""
        codes, texts = pd.factorize(rows["dividend_yield_source"])
        settings = parameters.dividend_yield_source
        known = rows["dividend_yield"].to_numpy(dtype=float)
        index = LastKnown.of(codes_of(names, rows["symbol"]), day_numbers(rows["date"]), np.isfinite(known))
        values = Expected(
            known,
            codes.astype(np.int64) + 2,
            day_numbers(rows["expected_ex_date"]),
            rows["expected_dividend"].to_numpy(dtype=float),
            _intervals(rows) * (parameters.dividend_model == ESCROWED),
        )
        sources = (settings, default_source(settings, NO_ROW), *texts)
        is_named = names.isin(parameters.dividend_yields)
        return cls(index, values, sources, parameters.yields_of(names), is_named)

    def at(self, codes: Ints, on: Ints) -> Expected:
        """Of the sessions `on` exactly; the settings' yield where there is no row."""
        row = self.index.find(codes, on, max_age=0)
        found = row >= 0
        source, ex_day = np.where(self.is_named[codes], 0, 1), np.full(row.shape, FAR_DAY)
        source[found], ex_day[found] = self.rows.source[row[found]], self.rows.ex_day[row[found]]
        dividend_yield = np.where(found, take(self.rows.dividend_yield, row), self.fallback[codes])
        interval = np.zeros(row.shape, dtype=np.int64)
        interval[found] = self.rows.interval[row[found]]
        return Expected(dividend_yield, source, ex_day, take(self.rows.amount, row), interval)

    def source_texts(self, expected: Expected, priced: Bools, otherwise: str) -> Any:
        """Where the dividends come from; `otherwise` where nothing is `priced` by them."""
        code = 1 + expected.source + len(self.sources) * (expected.interval > 0)
        escrowed = (f"{ESCROWED}: {text}" for text in self.sources)
        return text_column((otherwise, *self.sources, *escrowed), np.where(priced, code, 0))


def _intervals(rows: pd.DataFrame) -> Ints:
    """Days between dividends, as many a year as make its sum; 0 where no list of dividends is expected."""
    amount, total = (rows[name].to_numpy(dtype=float) for name in ("expected_dividend", "dividends"))
    times = np.maximum(np.rint(np.divide(total, amount, out=np.ones(amount.shape), where=amount > 0)), 1)
    known = (rows["dividend_yield_source"] == OF_DIVIDENDS).to_numpy() & (times <= MOST_A_YEAR)
    return np.where(known, YEAR_DAYS // np.where(known, times, 1), 0).astype(np.int64)


def unknown_names(named: Iterable[str], known: Iterable[str]) -> list[str]:
    """Symbols of the setting dividend_yields that are nowhere in the project, sorted."""
    return sorted(set(named) - set(known))
