"""Trades that bring a measure to a target: searched in the core, checked by the what-if that they make."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats
from sigmasight_core.errors import InputError
from sigmasight_core.tables import FactorBetas, FactorCovariance
from sigmasight_core.what_if.measured import Tables, Target, measured
from sigmasight_core.what_if.measures import NormalRisk, effects, whole_units
from sigmasight_core.what_if.suggestion import least_turnover
from sigmasight_core.what_if.targets import Limits, Question, at_full, question
from sigmasight_core.what_if.trades_csv import no_trades
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.what_if.on_request import parsed
from sigmasight_dagster.what_if.what_if import Comparison, WhatIf

ROUNDS: Final = 4
"""Of the search for a risk: each is corrected by the full computation of the one before."""
CLOSE: Final = 1e-3
"""Relative: a risk this near to its target is there."""


@dataclass(frozen=True)
class Suggestion:
    """What to trade, and what it comes to.

    :param before: and `after`: the measure as what-if computes it; `after` None = cannot be reached.
    :param lowest: and `highest`: what the measure can be made within the limits; None = without bound.
    :param turnover: USD, sum of |trade|.
    :param trades: symbol, quantity, price (USD per unit), usd, effect (what it would lack without it).
    :param untraded: why a symbol is left out, by symbol.
    """

    portfolio: str
    trade_date: pd.Timestamp
    before: float
    after: float | None
    lowest: float | None
    highest: float | None
    turnover: float
    trades: list[dict[str, Any]]
    untraded: dict[str, str]


@dataclass(frozen=True)
class _Search:
    """What all tries of a search share.

    :param market: id of the market factor. :param today: the portfolio's tables without trades.
    :param whole: whether trades are in whole units.
    """

    asking: WhatIf
    target: Target
    market: str
    today: Tables
    whole: bool

    def far(self, value: float) -> float:
        return abs(value - self.target.value)


@dataclass(frozen=True)
class _Tried:
    """Trades (n) in units, and the measure with them as computed."""

    change: Floats
    value: float
    tables: Tables


def suggest(
    platform: Platform,
    portfolio: str,
    date: pd.Timestamp,
    target: Target,
    limits: Limits,
    *,
    whole: bool = True,
) -> Suggestion:
    """Trades in what is held, of the least turnover, in whole units unless these are not wanted.

    :raises InputError: as `targets.question` and `WhatIf` do.
    """
    asking, model = WhatIf(platform, portfolio, date), platform.factor_model
    dates = pd.DatetimeIndex([date])
    search = _Search(
        asking=asking,
        target=target,
        market=model.factors[model.market].id,
        today=_tables(asking.compute(no_trades(), "no trades"), hypothetical=False),
        whole=whole,
    )
    asked = question(
        target,
        limits,
        tables=search.today,
        betas=platform.warehouse.read(FactorBetas, dates),
        factor_covariance=platform.warehouse.read(FactorCovariance, dates),
        market=search.market,
    )
    found = least_turnover(asked.holdings, asked.measure, target.value)
    answer = Suggestion(
        portfolio=portfolio,
        trade_date=date,
        before=asked.today,
        after=None,
        lowest=found.lowest if np.isfinite(found.lowest) else None,
        highest=found.highest if np.isfinite(found.highest) else None,
        turnover=0.0,
        trades=[],
        untraded=dict(asked.untraded),
    )
    if found.change is None:
        return answer
    best, asked = _checked(search, asked, found.change)
    dollars = best.change * asked.holdings.unit_value
    return replace(
        answer,
        after=best.value,
        turnover=float(np.abs(dollars).sum()),
        trades=_rows(asked, best.change, dollars),
    )


def _checked(search: _Search, asked: Question, change: Floats) -> tuple[_Tried, Question]:
    """The trades whose computed measure is nearest to the target; the model of a risk is corrected by it."""
    target = search.target.value
    best = _Tried(np.zeros(len(change)), asked.today, search.today)
    for round_ in range(ROUNDS):
        tried = _tried(search, asked, change)
        if not round_ or search.far(tried.value) < search.far(best.value):
            best = tried
        measure = asked.measure
        if not isinstance(measure, NormalRisk) or search.far(best.value) <= CLOSE * abs(target):
            break
        symbols = pd.Index(asked.holdings.symbols)
        place = asked.holdings.quantity + tried.change
        asked = replace(asked, measure=measure.corrected(place, *at_full(tried.tables, symbols)))
        found = least_turnover(asked.holdings, asked.measure, target)
        if found.change is None:
            break
        change = found.change
    return best, asked


def _tried(search: _Search, asked: Question, change: Floats) -> _Tried:
    dust = np.abs(change) * asked.holdings.unit_value < 0.01
    made = whole_units(asked.holdings, change) if search.whole else np.where(dust, 0.0, change)
    if not made.any():
        return _Tried(made, asked.today, search.today)
    rows = [
        {"symbol": symbol, "quantity": float(units), "price": None, "tags": ""}
        for symbol, units in zip(asked.holdings.symbols, made, strict=True)
        if units
    ]
    read = parsed(search.asking, rows)
    if len(read.errors):
        first = read.errors.iloc[0]
        raise InputError(f"{first['value']}: {first['reason']}; name it among those that are kept")
    tables = _tables(search.asking.compute(read.trades, "a suggestion"), hypothetical=True)
    return _Tried(made, measured(search.target, tables, search.market), tables)


def _tables(comparison: Comparison, *, hypothetical: bool) -> Tables:
    """Rows of one side."""
    name = comparison.session["portfolio"]
    return {
        model: rows[(rows["portfolio"] != name) == hypothetical]
        for model, rows in comparison.computed.items()
    }


def _rows(asked: Question, change: Floats, dollars: Floats) -> list[dict[str, Any]]:
    """The largest first."""
    part = effects(asked.measure, asked.holdings.quantity, change)
    frame = pd.DataFrame(
        {
            "symbol": asked.holdings.symbols,
            "quantity": change,
            "price": asked.holdings.unit_value,
            "usd": dollars,
            "effect": part,
        }
    )
    traded = frame[change != 0]
    order = traded["usd"].abs().sort_values(ascending=False, kind="stable").index
    return traded.loc[order].to_dict("records")
