"""The rows of the three tables together: contract, units, batches, and what is missing."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sigmasight_core.risk.measures import RiskOutput, risk_measures
from sigmasight_core.risk.parametric.factor_risk import NOT_FINITE
from sigmasight_core.tables import RiskContributions, RiskMeasures, SimulatedPnl, VarBacktests, validate
from sigmasight_core.tables.risk import RISK_MEASURES
from sigmasight_dagster_tests.core.risk.parametric.test_decomposition import (
    FACTORS,
    beta_rows,
    covariance_rows,
)
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    SESSIONS,
    Holdings,
    factor_moves,
    history,
    mixed,
)

HISTORY = history("A", "B", "C")
RATE = 0.02


def snapshots(days: pd.DatetimeIndex, portfolio: str = "book", total: float = 1e5) -> pd.DataFrame:
    returns = np.random.default_rng(4).normal(0, 0.01, len(days))
    return pd.DataFrame({"date": days, "portfolio": portfolio, "daily_return": returns, "total_value": total})


def measure(holdings: Holdings, partitions: list[tuple], published: pd.DataFrame, **other: Any) -> RiskOutput:
    days = tuple(dict.fromkeys(day for day, _ in partitions))
    returns = other.get("returns", HISTORY)
    values, greeks = holdings.frames()
    output = risk_measures(
        pd.DataFrame(partitions, columns=["date", "portfolio"]),
        position_values=values,
        position_greeks=greeks,
        log_returns=returns,
        betas=beta_rows(days),
        factor_covariance=covariance_rows(days),
        factor_returns=factor_moves(HISTORY, *FACTORS).loc[returns.index],
        window=252,
        snapshots=published,
        snapshot_sessions=returns.index[-300:],
        first_entries=published.groupby("portfolio")["date"].min(),
        benchmarks=other.get("benchmarks", pd.Series("C", index=published["portfolio"].unique())),
        risk_free_rate=RATE,
    )
    models = (RiskMeasures, RiskContributions, VarBacktests, SimulatedPnl)
    frames = (validate(model, rows) for model, rows in zip(models, output[:-1], strict=True))
    return RiskOutput(*frames, output.groups)


def of(output: RiskOutput, name: str, column: str = "value", portfolio: str = "book") -> Any:
    rows = output.measures
    return rows.loc[(rows["measure"] == name) & (rows["portfolio"] == portfolio), column].item()


def test_every_measure_of_every_partition_has_a_row() -> None:
    output = measure(mixed(), [(DAY, "book"), (DAY, "empty")], snapshots(SESSIONS[-60:]))
    assert set(output.measures["measure"]) == set(RISK_MEASURES)
    assert len(output.measures) == 2 * len(RISK_MEASURES)
    assert len(output.backtests) == 4
    assert (output.measures.query("portfolio == 'book'")["status"] == "ok").all()


def test_measures_fit_together() -> None:
    output = measure(mixed(), [(DAY, "book")], snapshots(SESSIONS[-60:]))
    for level in (95, 99):
        assert of(output, f"es_{level}_usd") >= of(output, f"var_{level}_usd") > 0
    assert of(output, "var_99_usd") > of(output, "var_95_usd")
    ratio = of(output, "parametric_var_99_usd") / of(output, "parametric_var_95_usd")
    assert ratio == pytest.approx(norm.ppf(0.99) / norm.ppf(0.95))
    total = output.contributions.groupby("kind")["component_var_usd"].sum()
    np.testing.assert_allclose(total, of(output, "parametric_var_95_usd"), rtol=1e-10)
    assert of(output, "annualized_realized_volatility", "n_obs") == 60
    assert of(output, "var_95_usd", "n_obs") == 504
    assert of(output, "sharpe_ratio", "unit") == "ratio"


def test_volatility_is_relative_to_total_value() -> None:
    once = measure(mixed(), [(DAY, "book")], snapshots(SESSIONS[-60:], total=1e5))
    twice = measure(mixed(), [(DAY, "book")], snapshots(SESSIONS[-60:], total=2e5))
    assert of(once, "annualized_volatility") == pytest.approx(2 * of(twice, "annualized_volatility"))


@pytest.mark.parametrize(
    ("total", "reason"), [(-5.0, "total value is not positive"), (np.nan, "no total value")]
)
def test_without_a_total_value_there_is_no_volatility(total: float, reason: str) -> None:
    output = measure(mixed(), [(DAY, "book")], snapshots(SESSIONS[-60:], total=total))
    assert np.isnan(of(output, "annualized_volatility"))
    assert of(output, "annualized_volatility", "status") == reason
    assert of(output, "var_95_usd") > 0


def test_returns_that_do_not_vary_have_no_ratios() -> None:
    published = snapshots(SESSIONS[-60:]).assign(daily_return=0.001)
    output = measure(mixed(), [(DAY, "book")], published)
    assert of(output, "sharpe_ratio", "status") == "daily returns do not vary"
    assert of(output, "sortino_ratio", "status") == "no daily return below the risk-free return"
    assert of(output, "max_drawdown") == 0.0


def test_a_portfolio_of_cash_has_zero_value_at_risk() -> None:
    output = measure(Holdings(), [(DAY, "book")], snapshots(SESSIONS[-60:]))
    for name in ("var_95_usd", "es_99_usd", "parametric_var_95_usd", "annualized_volatility"):
        assert of(output, name) == 0.0
        assert of(output, name, "status") == "ok"
    assert (output.backtests["status"] == "nothing is held").all()


def test_a_date_does_not_depend_on_its_batch() -> None:
    days = SESSIONS[[-5, -1]]
    published = snapshots(SESSIONS[-60:])
    both = Holdings([row for day in days for row in mixed(date=day).rows])
    together = measure(both, [(day, "book") for day in days], published)
    entered = published.groupby("portfolio")["date"].min()
    for day in days:
        known = HISTORY.loc[:day].iloc[-1008:]
        past = published[published["date"] <= day]
        assert past.groupby("portfolio")["date"].min().equals(entered)
        alone = measure(mixed(date=day), [(day, "book")], past, returns=known)
        for whole, part in zip(together[:-1], alone[:-1], strict=True):
            pd.testing.assert_frame_equal(
                whole[whole["date"] == day].reset_index(drop=True), part, check_exact=True
            )


def test_nothing_prints_a_warning_on_hostile_input(recwarn: pytest.WarningsRecorder) -> None:
    dead = HISTORY.copy()
    dead["A"], dead["B"] = 0.0, np.nan
    measure(mixed().hold("D", 1, np.nan), [(DAY, "book")], snapshots(SESSIONS[-3:]), returns=dead)
    assert [str(found.message) for found in recwarn if "sigmasight_core" in str(found.filename)] == []


def test_a_book_of_other_symbols_and_portfolios_beside_it_changes_no_bit() -> None:
    names = ("A", "B", "C")
    published = pd.concat([snapshots(SESSIONS[-60:]), snapshots(SESSIONS[-60:], "other")])
    one = Holdings().hold("B", 30, 20.0).hold_option("C", -2, 200.0, 210.0, 200, 0.5, True)
    both = Holdings(list(one.rows)).hold("A", 7, 50.0, portfolio="other")
    both.hold_option("A", 5, 50.0, 55.0, 45, 0.3, True, portfolio="other").hold(
        "B", 1, 20.0, portfolio="other"
    )
    alone = measure(one, [(DAY, "book")], published.iloc[:60], returns=HISTORY[list(names[1:])])
    together = measure(both, [(DAY, "book"), (DAY, "other")], published)
    for whole, part in zip(together[:-1], alone[:-1], strict=True):
        mine = whole[whole["portfolio"] == "book"].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine, part, check_exact=True)


def test_bounded_scenarios_stand_on_the_simulated_rows() -> None:
    returns = HISTORY.copy()
    returns.iloc[-40, 0] = 1.5
    output = measure(mixed(), [(DAY, "book")], snapshots(SESSIONS[-60:]), returns=returns)
    bounded = output.measures.set_index("measure")["n_bounded"]
    assert bounded["var_95_usd"] == bounded["es_99_usd"] == bounded["annualized_volatility"] >= 1
    assert bounded["parametric_var_95_usd"] == bounded["sharpe_ratio"] == 0


def test_a_long_book_cannot_lose_more_than_it_is_worth_without_a_reason() -> None:
    calls = Holdings().hold_option("A", 20, 50.0, 75.0, 10, 0.6, True)
    output = measure(calls, [(DAY, "book")], snapshots(SESSIONS[-60:]), returns=HISTORY * 4)
    worth = calls.rows[0]["exposure"]
    for name in ("var_95_usd", "var_99_usd", "es_99_usd"):
        assert of(output, name) <= worth * (1 + 1e-9)
        assert of(output, name, "status") == "ok"
    assert of(output, "parametric_var_99_usd") > worth
    assert of(output, "parametric_var_99_usd", "status") == (
        "more than a book without shorts is worth: normal returns at the deltas of today"
    )
    short = Holdings().hold_option("A", -20, 50.0, 75.0, 10, 0.6, True)
    output = measure(short, [(DAY, "book")], snapshots(SESSIONS[-60:]), returns=HISTORY * 4)
    assert of(output, "parametric_var_99_usd", "status") == "ok"


@pytest.mark.parametrize(("quantity", "total"), [(1e150, 1e-300), (-1e150, 1e-300), (1e140, 5e-324)])
def test_a_measure_that_is_not_finite_is_null_and_says_so(
    quantity: float, total: float, recwarn: pytest.WarningsRecorder
) -> None:
    """A bad print can leave next to nothing below a ratio."""
    output = measure(
        Holdings().hold("A", quantity, 100.0), [(DAY, "book")], snapshots(SESSIONS[-60:], total=total)
    )
    assert np.isnan(of(output, "annualized_volatility"))
    assert NOT_FINITE in of(output, "annualized_volatility", "status")
    assert of(output, "var_95_usd") > 0
    assert [str(found.message) for found in recwarn if "sigmasight_core" in str(found.filename)] == []


def test_amounts_whose_squares_overflow_have_no_risk_and_say_so(recwarn: pytest.WarningsRecorder) -> None:
    output = measure(Holdings().hold("A", -1e200, 100.0), [(DAY, "book")], snapshots(SESSIONS[-60:]))
    for name in ("annualized_volatility", "parametric_var_95_usd"):
        assert np.isnan(of(output, name))
        assert of(output, name, "status") == NOT_FINITE
    assert output.contributions["component_var_usd"].isna().all()
    assert set(output.contributions["status"]) == {NOT_FINITE}
    assert [str(found.message) for found in recwarn if "sigmasight_core" in str(found.filename)] == []
