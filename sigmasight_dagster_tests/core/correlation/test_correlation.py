"""Correlations of whole books against one book at a time in pandas and SciPy, and against hand-made books."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from sigmasight_core.correlation import pairwise
from sigmasight_core.correlation.portfolios import (
    CorrelationConfig,
    CorrelationResult,
    portfolio_correlations,
)
from sigmasight_core.errors import InputError
from sigmasight_core.tables import CorrelationClusters, CorrelationSummary, PositionCorrelations, validate

SESSIONS = pd.bdate_range("2022-01-03", periods=200)
SYMBOLS = [f"S{i:02d}" for i in range(24)]
LAST = SESSIONS[-1]
ALL = CorrelationConfig(min_exposure_usd=0, min_weight=0)


def log_returns(gaps: float = 0.0, seed: int = 5) -> pd.DataFrame:
    """Six blocks of four symbols, highly correlated within a block."""
    rng = np.random.default_rng(seed)
    blocks = np.repeat(rng.standard_normal((len(SESSIONS), 6)), 4, axis=1)
    values = 0.01 * (
        blocks + 0.55 * rng.standard_normal(blocks.shape) + rng.standard_normal((len(SESSIONS), 1))
    )
    values[rng.random(values.shape) < gaps] = np.nan
    return pd.DataFrame(values, index=SESSIONS, columns=pd.Index(SYMBOLS, dtype="str"))


def position(symbol: str, exposure: float, **other: object) -> dict[str, object]:
    return {"symbol": symbol, "underlying": symbol, "exposure": exposure, "delta_exposure": exposure, **other}


def tables(rows: list[dict[str, object]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Position values and Greeks of positions that name only what matters."""
    defaults = {
        **{"date": LAST, "portfolio": "one", "position_type": "LONG", "quantity": 1.0},
        **{"sector": "unclassified", "tags": ""},
    }
    frame = pd.DataFrame([defaults | row for row in rows])
    frame["position_id"] = frame["symbol"] + "@2022-01-03"
    values = frame.drop(columns="delta_exposure")
    greeks = frame.loc[frame["quantity"] != 0, ["date", "portfolio", "position_id", "delta_exposure"]]
    return values, greeks


def run(
    rows: list[dict[str, object]], config: CorrelationConfig = ALL, returns: pd.DataFrame | None = None
) -> CorrelationResult:
    given = log_returns() if returns is None else returns
    values, greeks = tables(rows)
    return checked(
        portfolio_correlations(
            config,
            position_values=values,
            position_greeks=greeks,
            log_returns=given,
            dates=pd.DatetimeIndex([LAST]),
            portfolios=["one"],
        )
    )


def checked(result: CorrelationResult) -> CorrelationResult:
    """The result, when it keeps its tables' contracts and order."""
    models = (PositionCorrelations, CorrelationSummary, CorrelationClusters)
    for model, frame in zip(models, dataclasses.astuple(result), strict=True):
        pd.testing.assert_frame_equal(validate(model, frame), frame, check_dtype=False)
    return result


def books(n_dates: int, portfolios: list[str], seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Random books of 1 to 14 symbols, long, short and with options."""
    rng = np.random.default_rng(seed)
    rows = [
        position(
            symbol,
            float(rng.lognormal(10.5, 1) * rng.choice([1, -1], p=[0.7, 0.3])),
            date=date,
            portfolio=portfolio,
            tags=str(rng.choice(["", "core", "core,growth", "growth, income"])),
            sector=str(rng.choice(["Technology", "Energy"])),
        )
        for date in SESSIONS[-n_dates:]
        for portfolio in portfolios
        for symbol in rng.choice(SYMBOLS, rng.integers(1, 15), replace=False)
    ]
    return tables(rows)


def reference(config: CorrelationConfig, held: pd.Series, returns: pd.DataFrame, end: pd.Timestamp) -> dict:
    """One book with a complete history, by pandas and SciPy."""
    size = held.abs()
    kept = held[(size >= config.min_exposure_usd) & (size >= config.min_weight * size.sum())].sort_index()
    window = returns.loc[:end, kept.index].iloc[-config.window :]
    n, found = len(kept), {"correlation": window.corr(min_periods=config.min_obs), "n_symbols": len(kept)}
    if n < 2:
        return found
    matrix = found["correlation"].to_numpy()
    mean = matrix[~np.eye(n, dtype=bool)].mean()
    shrunk = (1 - config.shrinkage) * matrix + config.shrinkage * np.where(np.eye(n, dtype=bool), 1, mean)
    w, sigma = (kept / kept.abs().sum()).to_numpy(), window.std().to_numpy()
    distance = squareform(1 - matrix, checks=False)
    labels = fcluster(linkage(distance, "complete"), 1 - config.cluster_correlation, "distance")
    sizes = pd.Series(labels).map(pd.Series(labels).value_counts()).to_numpy()
    return found | {
        "average_correlation": mean,
        "effective_positions": 1 / (w**2).sum(),
        "effective_bets": (np.abs(w) @ sigma) ** 2 / ((w * sigma) @ shrunk @ (w * sigma)),
        "cluster_concentration": np.abs(w)[sizes > 1].sum(),
        "n_clusters": len(set(labels[sizes > 1])),
        "psd_adjustment": 0.0,
        "clusters": {frozenset(kept.index[labels == label]) for label in labels},
    }


@pytest.mark.parametrize("chunk", [1, 2**19])
def test_every_book_equals_pandas_and_scipy_alone(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairwise, "CHUNK_ELEMENTS", chunk)
    portfolios, returns, config = ["a", "b", "c", "d"], log_returns(), CorrelationConfig(min_weight=0.03)
    values, greeks = books(5, portfolios)
    result = checked(
        portfolio_correlations(
            config,
            position_values=values,
            position_greeks=greeks,
            log_returns=returns,
            dates=SESSIONS[-5:],
            portfolios=portfolios,
        )
    )
    assert len(result.summary) == 20
    compared = 0
    for row in result.summary.to_dict("records"):
        mine = {"date": row["date"], "portfolio": row["portfolio"]}
        held = of(values, **mine).set_index("symbol")["exposure"]
        expected = reference(config, held, returns, row["date"])
        pairs = of(result.correlations, **mine)
        wanted = expected["correlation"].to_numpy()
        np.testing.assert_allclose(
            pairs["correlation"], wanted[np.triu_indices(len(wanted))], rtol=0, atol=1e-12
        )
        assert row["n_symbols"] == expected["n_symbols"]
        if row["status"] == "ok":
            names = set(expected) - {"correlation", "clusters", "n_symbols"}
            assert {name: row[name] for name in names} == pytest.approx(
                {name: expected[name] for name in names}
            )
            grouped = of(result.clusters, **mine).groupby("cluster")["symbol"]
            assert {frozenset(group) for _, group in grouped} == expected["clusters"]
            compared += 1
    assert compared >= 10


def of(frame: pd.DataFrame, date: pd.Timestamp, portfolio: str) -> pd.DataFrame:
    return frame[(frame["date"] == date) & (frame["portfolio"] == portfolio)]


@pytest.mark.parametrize("gaps", [0.0, 0.15, 0.6])
def test_a_batch_equals_one_book_at_a_time_in_any_order_of_rows(gaps: float) -> None:
    portfolios, returns = ["a", "b", "c"], log_returns(gaps)
    values, greeks = books(4, portfolios, seed=2)
    whole = checked(
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=returns,
            dates=SESSIONS[-4:],
            portfolios=portfolios,
        )
    )
    shuffled = portfolio_correlations(
        ALL,
        position_values=values.sample(frac=1, random_state=1),
        position_greeks=greeks.sample(frac=1, random_state=2),
        log_returns=returns.sample(frac=1, axis=1, random_state=3),
        dates=SESSIONS[-4:][::-1],
        portfolios=portfolios[::-1],
    )
    alone = [
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=returns,
            dates=pd.DatetimeIndex([date]),
            portfolios=[portfolio],
        )
        for date in SESSIONS[-4:]
        for portfolio in portfolios
    ]
    for table in ("correlations", "summary", "clusters"):
        expected = getattr(whole, table)
        pd.testing.assert_frame_equal(getattr(shuffled, table), expected, rtol=1e-8, atol=1e-12)
        joined = pd.concat([getattr(part, table) for part in alone], ignore_index=True)
        pd.testing.assert_frame_equal(joined, expected, rtol=1e-8, atol=1e-12)


def test_stocks_and_options_net_per_underlying_at_delta() -> None:
    rows = [
        position("S00", 50_000.0),
        position("S00C", 3_000.0, underlying="S00", position_type="LC", delta_exposure=40_000.0),
        position("S00P", 1_000.0, underlying="S00", position_type="LP", delta_exposure=-20_000.0),
        position("S04", -30_000.0, position_type="SHORT"),
        position("S08", 9.0, quantity=0.0),
        position("S12", 500.0),
        position("S12C", -100.0, underlying="S12", position_type="SC", delta_exposure=-500.0),
    ]
    result = run(rows)
    assert dict(zip(result.clusters["symbol"], result.clusters["exposure"], strict=True)) == {
        "S00": 70_000.0,
        "S04": -30_000.0,
    }
    assert result.summary["effective_positions"].tolist() == pytest.approx([1 / 0.58])


def test_an_underlying_without_an_exposure_is_left_out_and_told() -> None:
    rows = [position(s, 10_000.0) for s in ("S00", "S04", "S08")]
    rows.append(position("S08C", 1.0, underlying="S08", position_type="LC", delta_exposure=np.nan))
    rows.append(position("S12", np.nan))
    summary = run(rows).summary.iloc[0]
    assert summary["n_symbols"] == 2
    assert summary["status"] == "underlyings without an exposure left out: 2"
    assert run(rows[2:]).summary["status"].tolist() == [
        "no significant holdings; underlyings without an exposure left out: 2"
    ]
    values, greeks = tables([position("S00C", 1.0, underlying="S00", position_type="LC")])
    no_greeks = portfolio_correlations(
        ALL,
        position_values=values,
        position_greeks=greeks[:0],
        log_returns=log_returns(),
        dates=pd.DatetimeIndex([LAST]),
        portfolios=["one"],
    )
    assert no_greeks.summary["status"].str.contains("without an exposure left out: 1").all()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("both", {"S00"}),
        ("value_only", {"S00", "S04"}),
        ("weight_only", {"S00", "S08"}),
        ("either", {"S00", "S04", "S08"}),
    ],
)
def test_significant_holdings(mode: str, expected: set[str]) -> None:
    """S00 reaches both thresholds, S04 only $10,000, S12 none, S08 only the weight (in a small book)."""
    rows = [position("S00", 2_000_000.0), position("S04", -12_000.0), position("S12", 9_999.0)]
    rows.append(position("S08", 5_000.0, portfolio="two"))
    config = CorrelationConfig(filter_mode=mode)
    values, greeks = tables(rows)
    found = portfolio_correlations(
        config,
        position_values=values,
        position_greeks=greeks,
        log_returns=log_returns(),
        dates=pd.DatetimeIndex([LAST]),
        portfolios=["one", "two"],
    )
    assert set(found.clusters["symbol"]) == expected


def test_holdings_with_undefined_pairs_are_shown_and_left_out() -> None:
    returns = log_returns()
    returns.loc[SESSIONS[:-5], "S01"] = np.nan
    returns["S02"] = 0.0
    rows = [position(s, 10_000.0) for s in ("S00", "S01", "S02", "S04", "ZZZ")]
    result = run(rows, returns=returns)
    assert result.summary[["n_symbols", "n_excluded", "status"]].iloc[0].tolist() == [2, 3, "ok"]
    assert result.summary["effective_positions"].tolist() == pytest.approx([2])
    shown = result.correlations.set_index(["symbol_1", "symbol_2"])
    assert len(shown) == 15
    assert shown.loc[("S00", "S01"), "status"] == "only 5 common returns, 20 needed"
    assert shown.loc[("S02", "S02"), "status"] == "returns of one do not vary over the common sessions"
    assert shown.loc[("S00", "ZZZ"), ["n_obs", "status"]].tolist() == [0, "only 0 common returns, 20 needed"]
    assert shown.loc[("S00", "S00"), "correlation"] == 1.0
    assert result.clusters["symbol"].tolist() == ["S00", "S04"]


def test_an_indefinite_sample_is_repaired_and_shown_as_it_is() -> None:
    """Three names whose pairs overlap in different sessions: correlations +.99, +.99 and -.99."""
    rng = np.random.default_rng(1)
    x = 0.01 * rng.standard_normal((90, 3))
    third = np.arange(90) // 30
    for number, (a, b, sign) in enumerate([(0, 1, 1), (1, 2, 1), (0, 2, -1)]):
        rows = third == number
        x[rows, b] = sign * x[rows, a] + 0.001 * x[rows, b]
        x[rows, 3 - a - b] = np.nan
    returns = pd.DataFrame(x, index=SESSIONS[-90:], columns=["S00", "S01", "S02"])
    result = run([position(s, 10_000.0) for s in returns.columns], returns=returns)
    off = result.correlations[result.correlations["symbol_1"] != result.correlations["symbol_2"]]
    np.testing.assert_allclose(off["correlation"], [1, -1, 1], atol=1e-4)
    # The nearest correlation matrix has ±1/2 everywhere: distance sqrt(6) / 2.
    assert result.summary["psd_adjustment"].tolist() == pytest.approx([np.sqrt(6) / 2], rel=1e-3)
    assert np.isfinite(result.summary["effective_bets"]).all()


def test_too_few_holdings_are_null_with_a_reason() -> None:
    values, greeks = tables([position("S00", 20_000.0), position("ZZZ", 20_000.0, portfolio="two")])
    result = checked(
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=log_returns(),
            dates=SESSIONS[-2:],
            portfolios=["one", "two", "none"],
        )
    )
    today = result.summary[result.summary["date"] == LAST].set_index("portfolio")
    assert today["status"].to_dict() == {
        "none": "no significant holdings",
        "one": "fewer than 2 significant holdings",
        "two": "fewer than 2 significant holdings",
    }
    assert today["n_symbols"].to_dict() == {"none": 0, "one": 1, "two": 0}
    assert today["effective_positions"].isna().all()
    assert len(result.summary) == 6
    assert result.clusters["symbol"].tolist() == ["S00"]
    assert result.clusters["nickname"].tolist() == ["S00"]
    young = run([position("S00", 1.0), position("ZZZ", 1.0)]).summary.iloc[0]
    assert young["status"] == "fewer than 2 holdings with enough returns"


def test_a_perfect_hedge_has_no_effective_bets() -> None:
    returns = log_returns()
    returns["S01"] = returns["S00"]
    summary = run([position("S00", 1e5), position("S01", -1e5)], returns=returns).summary.iloc[0]
    assert np.isnan(summary["effective_bets"])
    assert summary["average_correlation"] == pytest.approx(1)
    assert "hedge each other" in summary["status"]


def test_no_positions_at_all() -> None:
    values, greeks = tables([position("S00", 1.0)])
    result = checked(
        portfolio_correlations(
            ALL,
            position_values=values[:0],
            position_greeks=greeks[:0],
            log_returns=log_returns(),
            dates=SESSIONS[-3:],
            portfolios=["a"],
        )
    )
    assert (len(result.correlations), len(result.summary), len(result.clusters)) == (0, 3, 0)
    nothing = checked(
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=log_returns(),
            dates=SESSIONS[:0],
            portfolios=[],
        )
    )
    assert len(nothing.summary) == 0


def test_later_returns_and_other_books_do_not_matter() -> None:
    values, greeks = books(6, ["a", "b"], seed=9)
    day, returns = pd.DatetimeIndex([SESSIONS[-4]]), log_returns()
    later = returns.copy()
    later.iloc[-3:] = 9.0
    first = portfolio_correlations(
        ALL, position_values=values, position_greeks=greeks, log_returns=returns, dates=day, portfolios=["a"]
    )
    second = portfolio_correlations(
        ALL, position_values=values, position_greeks=greeks, log_returns=later, dates=day, portfolios=["a"]
    )
    for name in ("correlations", "summary", "clusters"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name))
    assert set(first.summary["portfolio"]) == {"a"}


def nicknames(rows: list[dict[str, object]]) -> dict[str, str]:
    clusters = run(rows).clusters
    return dict(zip(clusters["symbol"], clusters["nickname"], strict=True))


def test_nicknames_are_the_common_tag_then_the_sector_then_the_largest() -> None:
    """S00-S03, S04-S07, S08-S11, S12-S15 are clusters."""
    tech = {"sector": "Technology"}
    rows = [
        *(
            position("S00", 1e4, tags="growth,core", **tech),
            position("S01", 2e4, tags="income, core", **tech),
        ),
        *(position("S04", 1e4, tags="core", **tech), position("S05", 2e4, tags="income", **tech)),
        *(position("S08", -3e4, tags="x"), position("S09", 2e4), position("S10", 1e4, tags="x")),
        *(position("S12", 1e4, sector="Energy"), position("S13", 1e4, **tech)),
        position("S20", 7e4, tags="core", **tech),
    ]
    found = nicknames(rows)
    assert (found["S00"], found["S01"]) == ("core", "core")
    assert (found["S04"], found["S05"]) == ("Technology", "Technology")
    assert {found[s] for s in ("S08", "S09", "S10")} == {"S08 lookalikes"}
    assert {found[s] for s in ("S12", "S13")} == {"S12 lookalikes"}
    assert found["S20"] == "S20"


def test_a_holding_carries_the_tags_of_all_its_positions() -> None:
    option = position("S00C", 1.0, underlying="S00", position_type="LC", delta_exposure=1e4, tags="b,overlay")
    rows = [position("S00", 1e4, tags="a"), option, position("S01", 1e4, tags="overlay,b,z")]
    assert set(nicknames(rows).values()) == {"b"}


def test_clusters_are_numbered_by_falling_gross_exposure() -> None:
    rows = [position("S00", 1e4), position("S01", -1e4), position("S04", 3e4), position("S08", 15e3)]
    clusters = run(rows).clusters.set_index("symbol")
    assert clusters["cluster"].to_dict() == {"S00": 2, "S01": 2, "S04": 1, "S08": 3}
    assert clusters["cluster_size"].to_dict() == {"S00": 2, "S01": 2, "S04": 1, "S08": 1}
    assert clusters["exposure"].to_dict() == {"S00": 1e4, "S01": -1e4, "S04": 3e4, "S08": 15e3}


def test_refuses_dates_without_returns_and_unsorted_returns() -> None:
    values, greeks = tables([position("S00", 1.0)])
    with pytest.raises(InputError, match="2030-01-02 is not a session"):
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=log_returns(),
            dates=pd.DatetimeIndex(["2030-01-02"]),
            portfolios=["one"],
        )
    with pytest.raises(InputError, match="ascending"):
        portfolio_correlations(
            ALL,
            position_values=values,
            position_greeks=greeks,
            log_returns=log_returns()[::-1],
            dates=SESSIONS[-1:],
            portfolios=["one"],
        )


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(
            ("min_obs", 1),
            ("min_obs", 91),
            ("shrinkage", 1.1),
            ("cluster_correlation", 2),
            ("min_weight", -0.1),
        ),
        *(
            ("min_exposure_usd", -1),
            ("min_exposure_usd", float("nan")),
            ("filter_mode", "x"),
            ("linkage", "x"),
        ),
    ],
)
def test_config_refuses(name: str, bad: object) -> None:
    with pytest.raises(InputError, match=name):
        CorrelationConfig(**{name: bad})
