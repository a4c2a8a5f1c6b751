"""The standing check of stored betas on a real warehouse: right ones pass, wrong ones are found."""

from types import SimpleNamespace

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.model import estimate, factor_log_returns
from sigmasight_core.market.returns import log_returns
from sigmasight_core.tables import DailyPrices, FactorBetas, Table, TreasuryYields, validate
from sigmasight_dagster.checks.betas import beta_sample, beta_verdict
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.core.factors.factor_inputs import factor_moves, symbol_moves
from sigmasight_dagster_tests.support.stored_rows import stamp

PROXIES = {"market": "P_market", "value": "P_value", "growth": None, "rates": "10Y"}
CONFIG = FactorModelConfig.default(PROXIES, window=80, min_obs=30)


class Stored:
    """A warehouse with prices, yields and the betas of ten dates."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.sessions = calendar.sessions("2024-01-02", "2024-07-31")
        factors = factor_moves(len(self.sessions)).set_axis(self.sessions)
        proxies = factors[["market", "value"]].rename(columns=PROXIES)
        moves = pd.concat([symbol_moves(factors, 20), proxies], axis=1)
        self.closes = 50 * np.exp(moves.cumsum())
        self.closes.iloc[60:64, 3] = np.nan
        self.yields = 4 + factors["rates"].cumsum()
        self.yields.iloc[[90]] = np.nan
        self.dates = self.sessions[-10:]
        returns = factor_log_returns(CONFIG, self.closes, self.yields)
        self.betas = estimate(
            CONFIG, symbol_log_returns=log_returns(self.closes), factor_log_returns=returns, dates=self.dates
        ).betas
        self.store(DailyPrices, self.prices())
        self.store(TreasuryYields, self._yields())

    def prices(self) -> pd.DataFrame:
        long = self.closes.rename_axis("date").reset_index().melt("date", var_name="symbol").dropna()
        closes = dict.fromkeys(("close", "adjusted_close"), long["value"])
        rows = long.drop(columns="value").assign(**closes, source="test", status="no high, low")
        return rows.reindex(columns=list(DailyPrices.to_schema().columns))

    def _yields(self) -> pd.DataFrame:
        rows = pd.DataFrame({"date": self.sessions, "series": "10Y", "yield_percent": self.yields.to_numpy()})
        return rows.assign(source="test", status=np.where(rows["yield_percent"].isna(), "holiday", "ok"))

    def store(self, model: type[Table], rows: pd.DataFrame) -> None:
        dates = pd.DatetimeIndex(rows["date"].unique())
        self.warehouse.replace(model, validate(model, rows), dates, None, stamp())

    def check(self, betas: pd.DataFrame) -> dg.AssetCheckResult:
        """The check's verdict on these betas."""
        self.store(FactorBetas, betas)
        platform = SimpleNamespace(warehouse=self.warehouse, factor_model=CONFIG)
        return beta_verdict(platform, self.dates)  # type: ignore[arg-type]


@pytest.fixture
def stored(warehouse: Warehouse) -> Stored:
    return Stored(warehouse)


def test_right_betas_pass_and_faults_of_a_sampled_symbol_are_found(stored: Stored):
    verdict = stored.check(stored.betas)
    assert verdict.passed
    assert verdict.metadata["rows_audited"].value > 60
    assert verdict.metadata["first_bad_row"].value == ""
    assert verdict.metadata["largest_relative_difference"].value < 1e-9

    sample = beta_sample(stored.warehouse, stored.dates)
    assert 3 <= sample["date"].nunique() <= 4
    assert 6 * 3 <= len(sample.groupby(["date", "symbol"])) <= 7 * 4
    assert sample["symbol"].nunique() > 7
    pd.testing.assert_frame_equal(sample, beta_sample(stored.warehouse, stored.dates))

    row = sample[(sample["factor"] == "value") & sample["univariate_beta"].notna()].iloc[0]
    hit = (stored.betas[["date", "symbol", "factor"]] == row[["date", "symbol", "factor"]]).all(axis=1)
    wrong = stored.betas.assign(
        univariate_std_error=stored.betas["univariate_std_error"].where(~hit, lambda x: x * (1 + 1e-5))
    )
    verdict = stored.check(wrong)
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert verdict.metadata["bad_rows"].value == 1
    named = f"{row['date']:%Y-%m-%d} {row['symbol']} value"
    assert verdict.metadata["first_bad_row"].value == named


def test_prices_that_were_corrected_after_the_betas_fail_the_check(stored: Stored):
    stored.closes.loc[stored.sessions[-5], "P_market"] *= 1.01
    stored.store(DailyPrices, stored.prices())
    verdict = stored.check(stored.betas)
    assert not verdict.passed
    assert verdict.metadata["bad_rows"].value > 10


def test_nothing_stored(warehouse: Warehouse):
    platform = SimpleNamespace(warehouse=warehouse, factor_model=CONFIG)
    verdict = beta_verdict(platform, pd.DatetimeIndex([]))  # type: ignore[arg-type]
    assert verdict.passed
    assert verdict.metadata["reason"].value == "no stored beta"
