"""Parts of the direct P&L of scenarios by factor.

To first order a position gains ``delta exposure x beta_k x_k`` from factor k, with x the state of the
scenario: a factor's own move, beyond what follows from the market and rates. What full revaluation adds to
the sum of these is the part `revaluation`: compounding of shares, convexity, volatility and rate of options.
"""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import product
from sigmasight_core.stress.book import Book
from sigmasight_core.stress.states import StressStates
from sigmasight_core.tables.portfolio.impacts import REVALUATION


def impact_rows(
    *, partitions: pd.DataFrame, book: Book, states: StressStates, direct: Floats, results: pd.DataFrame
) -> pd.DataFrame:
    """Rows of tables.ScenarioImpacts: every partition (G) x shocked factor of a scenario, and revaluation.

    :param direct: (P, N) direct P&L of the positions. :param results: rows of tables.StressResults of the
        same partitions and scenarios, in the order of `stress.rows.portfolio_rows`.
    """
    count, size = len(partitions), len(states.scenarios)
    date = codes_of(states.dates, partitions["date"])
    scenario, factor = _shocked(states)
    first_order, linear = _first_order(book, states)
    left_out = np.zeros(len(book.rows), dtype=bool)
    left_out[book.missing["position"].to_numpy(dtype=np.intp)] = True
    kept = np.flatnonzero(~left_out)
    order = kept[np.argsort(book.partition[kept], kind="stable")]
    group, ones = book.partition[order], np.ones(len(order))
    exposure = summed(linear, order, ones, group, count)  # (G, K)
    beyond = summed(direct - first_order, order, ones, group, count)  # (G, N)
    parts = np.concatenate(
        [exposure[:, factor] * states.direct[date[:, None], scenario, factor], beyond], axis=1
    )
    lost = ~states.available[date[:, None], factor]
    lost = np.concatenate([lost, np.zeros((count, size), dtype=bool)], axis=1)
    # by scenario, its factors in the order of its file, revaluation last
    of_scenario = np.concatenate([scenario, np.arange(size)])
    place = np.argsort(of_scenario, kind="stable")
    parts, lost, of_scenario = parts[:, place], lost[:, place], of_scenario[place]
    total = results["direct_pnl"].to_numpy(dtype=float).reshape(count, size)[:, of_scenario]
    status = results["status"].to_numpy(dtype=object).reshape(count, size)[:, of_scenario]
    names = [*states.factors, REVALUATION]
    named = np.concatenate([factor, np.full(size, len(states.factors))])[place]
    row = np.repeat(np.arange(count), len(place))
    unknown = lost | np.isnan(total)
    return pd.DataFrame(
        {
            "date": partitions["date"].array.take(row),
            "portfolio": partitions["portfolio"].array.take(row),
            "scenario": coded([s.id for s in states.scenarios], np.tile(of_scenario, count)),
            "factor": coded(names, np.tile(named, count)),
            "pnl": np.where(unknown, np.nan, parts + 0.0).ravel(),
            "direct_pnl": total.ravel(),
            "status": pd.array(_words(status, lost, names, named), dtype="str"),
        }
    )


def _shocked(states: StressStates) -> tuple[Ints, Ints]:
    """Scenario and factor of every shock, in the order of the files."""
    places = {name: number for number, name in enumerate(states.factors)}
    pairs = [(n, places[shock.factor]) for n, s in enumerate(states.scenarios) for shock in s.shocks]
    found = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _first_order(book: Book, states: StressStates) -> tuple[Floats, Floats]:
    """P&L to first order (P, N), and its slope by factor (P, K), USD; 0 where a position has none."""
    delta = np.nan_to_num(book.rows["delta_exposure"].to_numpy(dtype=float, na_value=np.nan))[:, None]
    betas = np.nan_to_num(book.betas)
    moves = product(states.direct, betas.swapaxes(1, 2))[book.date, :, book.symbol]
    return delta * moves, delta * betas[book.date, book.symbol]


def _words(status: np.ndarray, lost: np.ndarray, names: list[str], named: Ints) -> np.ndarray:
    """The status of the scenario; of a part whose factor is unavailable, that."""
    words = np.array([f"unavailable: {name}" for name in names], dtype=object)[named]
    return np.where(lost, np.broadcast_to(words, status.shape), status).ravel()
