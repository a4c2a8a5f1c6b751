"""`full`: the symbol is there whenever the state is, and the state has 240 of 252 sessions."""

import numpy as np
import pytest

from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_dagster_tests.core.factors.factor_inputs import CONFIG, betas, factor_moves, of, symbol_moves


def quality(bond_holidays: int, symbol_gaps: int) -> tuple[set[str], set[int]]:
    factors = factor_moves(252)
    symbols = symbol_moves(factors, 1)
    factors.iloc[10 : 10 + bond_holidays, -1] = np.nan
    symbols.iloc[40 : 40 + symbol_gaps] = np.nan
    rows = betas(CONFIG, symbols, factors)
    return set(of(rows, "S0", "quality")), set(of(rows, "S0", "n_obs"))


@pytest.mark.parametrize(
    ("bond_holidays", "symbol_gaps", "expected"),
    [
        (0, 0, "full"),
        (4, 0, "full"),
        (12, 0, "full"),
        (13, 0, "limited"),
        (0, 1, "limited"),
        (4, 1, "limited"),
        (4, 188, "limited"),
        (4, 189, "insufficient"),
    ],
)
def test_sessions_that_the_state_lacks_do_not_count_against_a_symbol(bond_holidays, symbol_gaps, expected):
    assert quality(bond_holidays, symbol_gaps) == ({expected}, {252 - bond_holidays - symbol_gaps})


def test_a_gap_of_the_symbol_where_the_state_has_one_too_costs_nothing():
    factors = factor_moves(252)
    symbols = symbol_moves(factors, 1)
    factors.iloc[50:54, -1] = np.nan
    symbols.iloc[50:54] = np.nan
    assert set(of(betas(CONFIG, symbols, factors), "S0", "quality")) == {"full"}


def test_without_yields_rates_are_unavailable_and_the_others_full():
    factors = factor_moves(252)
    factors["rates"] = np.nan
    rows = betas(CONFIG, symbol_moves(factors, 1), factors)
    assert rows.set_index("factor")["quality"].to_dict() == {
        name: "unavailable" if name == "rates" else "full" for name in CONFIG.factor_ids
    }


@pytest.mark.parametrize(("window", "least"), [(252, 240), (21, 20), (504, 480), (80, 77), (100, 96)])
def test_full_scales_with_the_window(window, least):
    factors = CONFIG.factors
    assert FactorModelConfig(factors, window=window, min_obs=15).full_obs == least
