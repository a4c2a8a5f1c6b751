"""Today's books over past sessions, against a loop that values every position in every scenario."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import SCENARIOS, ReturnPanel
from sigmasight_core.risk.past import curves as module
from sigmasight_core.risk.past.curves import OptionCurves
from sigmasight_core.risk.past.exact import ExactBooks
from sigmasight_core.risk.past_sessions import past_breaches
from sigmasight_core.risk.revaluation import Options
from sigmasight_dagster_tests.core.risk.risk_inputs import SESSIONS, Holdings, history, mixed, panel

TERMS = [(days, sigma) for days in (1, 2, 7, 60, 400) for sigma in (0.05, 0.3)]


def turmoil() -> pd.DataFrame:
    """Moves that quadruple half a year before the end, so that scenarios of calm days are bounded there."""
    returns = history("A", "B", "C", seed=4)
    returns.iloc[-120:-60] *= 4
    returns.iloc[-118] = [-0.3, 0.25, -0.2]
    return returns


def books() -> RiskBook:
    """On two dates: options on their last sessions, what cancels out, a position of 0, nothing held."""
    holdings = Holdings()
    for day in SESSIONS[[-60, -1]]:
        where = {"date": day, "portfolio": "options"}
        for place, (days, sigma) in enumerate(TERMS):
            name, side = "ABC"[place % 3], (-1) ** (place // 2)
            holdings.hold_option(
                name, side, 100.0, 99.0, days, sigma, bool(place % 2), american=True, **where
            )
        holdings.rows += mixed(date=day).rows
        holdings.hold("A", 7, 50.0, date=day, portfolio="flat").hold(
            "A", -7, 50.0, date=day, portfolio="flat"
        )
        holdings.hold("B", 0, 50.0, date=day, portfolio="zero")
        holdings.hold_option("C", -2, 50.0, 50.0, 1, 0.2, False, date=day, portfolio="pin")
    keys = {(row["date"], row["portfolio"]) for row in holdings.rows} | {(SESSIONS[-1], "empty")}
    return holdings.book(*keys)


def naive(book: RiskBook, prices: ReturnPanel) -> tuple[np.ndarray, np.ndarray]:
    """Whether each session is tested (G, 252), and breaches (G, 2, 252)."""
    tested = np.zeros((len(book.partitions), 252), dtype=bool)
    breached = np.zeros((len(book.partitions), 2, 252), dtype=bool)
    ends = prices.ends(book.dates)
    for group, date in enumerate(book.partition_date):
        rows = np.flatnonzero(book.partition == group)
        linear, optional = rows[~book.is_option[rows]], rows[book.is_option[rows]]
        exposure = book.rows["exposure"].to_numpy(dtype=float)[linear]
        options, symbol = Options.of(book, optional), book.symbol[optional]
        which = np.arange(len(optional))
        for place, session in enumerate(range(ends[date] - 251, ends[date] + 1)):
            past, one = prices.scenarios(np.array([session])), np.array([session])
            came = (exposure * np.expm1(prices.returns[book.symbol[linear], session])).sum()
            came += options.pnl(which, prices.returns[symbol][:, one], prices.growth[symbol][:, one]).sum()
            pnl = (exposure[:, None] * past.move[book.symbol[linear], 0]).sum(axis=0)
            pnl += options.pnl(which, np.log1p(past.move[symbol, 0]), past.growth[symbol, 0]).sum(axis=0)
            losses = np.sort(pnl[np.isfinite(pnl)])
            tested[group, place] = np.isfinite(came) and len(losses) >= 252
            if tested[group, place]:
                worst = [losses[int(np.ceil(round(len(losses) * tail, 9))) - 1] for tail in (0.05, 0.01)]
                # Where both are the same but for the last digit, the loop adds up in another order.
                breached[group, :, place] = came < np.array(worst) - 1e-9
    return tested, breached


@pytest.mark.parametrize("gaps", [(), (-40, -95, -300, *range(-520, -480))])
def test_books_are_tested_as_by_valuing_every_scenario(
    gaps: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with an error bound that leaves nothing to the curves."""
    returns = turmoil()
    returns.iloc[list(gaps), 1] = np.nan
    book = books()
    tested, breached = naive(book, panel(book, returns))
    for safety in (10.0, 1e9):
        monkeypatch.setattr(module, "_SAFETY", safety)
        found = past_breaches(book, np.arange(len(book.rows)), panel(book, returns))
        np.testing.assert_array_equal(found.tested, tested)
        np.testing.assert_array_equal(found.breached, breached)
    assert breached.sum() > 50
    assert tested.all() == (not gaps)


def test_hardly_a_scenario_is_valued_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    exactly = ExactBooks.low
    monkeypatch.setattr(
        ExactBooks, "low", lambda books, cells: counted.append(len(cells.group)) or exactly(books, cells)
    )
    book = mixed().book()
    past_breaches(book, np.arange(len(book.rows)), panel(book, history("A", "B", "C")))
    assert counted
    assert sum(counted) < 0.002 * 252 * SCENARIOS


@pytest.mark.parametrize("american", [False, True])
def test_curves_are_within_their_bounds(american: bool) -> None:
    """Of options that bend sharply and of such that do not, in every scenario of every session."""
    holdings, draw = Holdings(), np.random.default_rng(1)
    for days, sigma in TERMS:
        for place in range(6):
            strike = round(100 * np.exp(draw.uniform(-0.1, 0.1)), 2)
            name = "ABC"[place % 3]
            holdings.hold_option(name, 1, 100.0, strike, days, sigma, place % 2 == 0, american=american)
    book = holdings.book()
    prices, options = panel(book, turmoil()), Options.of(book, np.arange(len(book.rows)))
    sessions = np.arange(len(SESSIONS) - 252, len(SESSIONS))
    past = np.arange(sessions[0] - SCENARIOS, sessions[-1])
    curves = OptionCurves.of(options, prices, sessions, past)
    assert len(curves.size) == len(book.rows)
    found = curves.on(slice(0, 252), SCENARIOS)
    assert found.shape == (len(book.rows), 252, len(past))
    for contract, symbol in enumerate(curves.one_share.symbol):
        moves = prices.volatility[symbol, sessions][:, None] * prices.residuals[symbol, past]
        growth = np.broadcast_to(prices.growth[symbol, past], moves.shape)
        expected = curves.one_share.pnl(np.full(252, contract), moves, growth) / curves.size[contract]
        bound = curves.error[contract] + 1e-6
        assert (np.abs(found[contract] - expected) <= bound).all()


def test_one_share_of_a_contract_is_valued_once() -> None:
    holdings = Holdings()
    for number in range(20):
        holdings.hold_option("A", number + 1, 50.0, 55.0, 90, 0.3, False, portfolio=f"p{number}")
    book = holdings.book()
    prices, sessions = panel(book, history("A")), np.arange(1090, 1100)
    options = Options.of(book, np.arange(20))
    curves = OptionCurves.of(options, prices, sessions, np.arange(1090 - SCENARIOS, 1099))
    assert curves.gains.shape == (1, module.NODES, SCENARIOS + 9)
    np.testing.assert_array_equal(curves.kind, np.zeros(20))
