"""Batched pairwise correlations against pandas and NumPy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.correlation import pairwise
from sigmasight_core.correlation.pairwise import window_history, window_statistics
from sigmasight_core.correlation.portfolios import pairwise_correlations
from sigmasight_core.errors import InputError


def returns(n_sessions: int = 300, n_series: int = 12, gaps: float = 0.0, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n_sessions, 2)) @ rng.standard_normal((2, n_series))
    found = 0.0004 + 0.01 * (common + rng.standard_normal((n_sessions, n_series)))
    found[rng.random(found.shape) < gaps] = np.nan
    return found


def pandas_correlations(values: np.ndarray, ends: np.ndarray, window: int, min_obs: int) -> np.ndarray:
    return np.array(
        [pd.DataFrame(values[max(0, e + 1 - window) : e + 1]).corr(min_periods=min_obs) for e in ends]
    )


def pandas_counts(values: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    masks = [np.isfinite(values[max(0, e + 1 - window) : e + 1]).astype(int) for e in ends]
    return np.array([mask.T @ mask for mask in masks])


@pytest.mark.parametrize("gaps", [0.0, 0.002, 0.3, 0.8])
def test_equals_pandas(gaps: float) -> None:
    values, ends = returns(gaps=gaps), np.array([299, 0, 15, 25, 89, 90, 200, 200])
    correlation, n_obs = pairwise_correlations(values, ends, 90, 20)
    np.testing.assert_allclose(correlation, pandas_correlations(values, ends, 90, 20), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(n_obs, pandas_counts(values, ends, 90))


def test_equals_pandas_with_young_dead_constant_and_halted_series() -> None:
    values = returns()
    values[:250, 1] = np.nan
    values[100:, 2] = np.nan
    values[:, 3] = 0.0
    values[:, 4] = 0.0123
    values[240:, 5] = 0.0
    values[:, 6] = np.nan
    values[::2, 7] = np.nan
    values[1::2, 8] = np.nan
    ends = np.arange(60, 300, 7)
    correlation, n_obs = pairwise_correlations(values, ends, 90, 20)
    np.testing.assert_allclose(correlation, pandas_correlations(values, ends, 90, 20), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(n_obs, pandas_counts(values, ends, 90))


def test_a_series_constant_over_the_common_sessions_only_is_undefined() -> None:
    values = returns(90, 2)
    values[:40, 0], values[40:, 1] = 0.0123, np.nan
    correlation, n_obs = pairwise_correlations(values, np.array([89]))
    assert np.isnan(correlation[0, 0, 1])
    assert n_obs[0, 0, 1] == 40
    assert correlation[0, 0, 0] == correlation[0, 1, 1] == 1.0


def test_infinite_returns_are_missing() -> None:
    values = returns(90, 3)
    gapped = values.copy()
    values[5, 0], gapped[5, 0] = -np.inf, np.nan
    np.testing.assert_array_equal(
        pairwise_correlations(values, np.array([89]))[0], pairwise_correlations(gapped, np.array([89]))[0]
    )


@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_chunks_change_nothing(gaps: float, monkeypatch: pytest.MonkeyPatch) -> None:
    values, ends = returns(gaps=gaps), np.arange(100, 300)
    whole, n_whole = pairwise_correlations(values, ends)
    monkeypatch.setattr(pairwise, "CHUNK_ELEMENTS", 1)
    parts, n_parts = pairwise_correlations(values, ends)
    np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(n_parts, n_whole)


def test_volatility_is_that_of_a_series_own_observations() -> None:
    values = returns(gaps=0.1)
    values[:, 3], values[:, 4], values[:285, 5] = 0.0, np.nan, np.nan
    found = window_statistics(window_history(values, 90, 20), np.arange(12)[None, :], np.array([299]), 20)
    expected = pd.DataFrame(values[210:]).std(ddof=1).to_numpy(copy=True)
    expected[[3, 5]] = np.nan
    np.testing.assert_allclose(found.volatility[0], expected, rtol=1e-12)


def test_no_dates_and_no_series() -> None:
    assert pairwise_correlations(returns(), np.array([], dtype=int))[0].shape == (0, 12, 12)
    assert pairwise_correlations(np.empty((50, 0)), np.array([49]))[0].shape == (1, 0, 0)


@pytest.mark.parametrize(
    ("ends", "window", "min_obs", "word"),
    [([300], 90, 20, "0..299"), ([-1], 90, 20, "0..299"), ([5], 90, 1, "min_obs"), ([5], 10, 20, "min_obs")],
)
def test_refuses(ends: list[int], window: int, min_obs: int, word: str) -> None:
    with pytest.raises(InputError, match=word):
        pairwise_correlations(returns(), np.array(ends), window, min_obs)


def test_refuses_returns_that_are_not_a_table() -> None:
    with pytest.raises(InputError, match="dimensions"):
        pairwise_correlations(np.zeros(10), np.array([3]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    gaps=st.sampled_from([0.0, 0.05, 0.5]),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-0.1, 0.1),
)
def test_symmetric_bounded_and_blind_to_order_scale_and_shift(
    seed: int, gaps: float, scale: float, shift: float
) -> None:
    values, ends = returns(60, 6, gaps, seed), np.array([40, 59])
    order = np.random.default_rng(seed).permutation(6)
    correlation, _ = pairwise_correlations(values, ends, 30, 10)
    np.testing.assert_array_equal(correlation, correlation.swapaxes(1, 2))
    assert (np.abs(correlation[~np.isnan(correlation)]) <= 1).all()
    permuted, _ = pairwise_correlations(values[:, order], ends, 30, 10)
    np.testing.assert_allclose(permuted, correlation[:, order][:, :, order], rtol=0, atol=1e-13)
    moved, _ = pairwise_correlations(values * scale + shift * scale, ends, 30, 10)
    np.testing.assert_allclose(moved, correlation, rtol=0, atol=1e-10)
    flipped, _ = pairwise_correlations(values * np.where(np.arange(6) == 0, -1, 1), ends, 30, 10)
    np.testing.assert_allclose(flipped[:, 0, 1:], -correlation[:, 0, 1:], rtol=0, atol=1e-13)
