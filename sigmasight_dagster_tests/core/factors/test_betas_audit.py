"""The audit finds nothing wrong with the factor model's betas, and every fault that is put into them."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.factors.audit import TOLERANCE, audit_betas
from sigmasight_core.factors.model import estimate, factor_log_returns
from sigmasight_core.market.returns import log_returns
from sigmasight_dagster_tests.core.factors.factor_inputs import CONFIG, factor_moves, symbol_moves

PROXIES = {factor.id: factor.proxy for factor in CONFIG.factors}


class Stored:
    """Prices, yields and the betas estimated from them, as a warehouse holds them."""

    def __init__(self, count: int = 300) -> None:
        factors = factor_moves(count)
        symbols = symbol_moves(factors, 4)
        proxies = factors.drop(columns="rates").rename(columns=PROXIES)
        moves = pd.concat([symbols, proxies], axis=1)
        self.closes = 50 * np.exp(moves.cumsum())
        self.yields = 3 + factors["rates"].cumsum()
        self.closes.iloc[[100, 101, 270], 1] = np.nan
        self.closes.iloc[:220, 2] = np.nan
        self.closes.iloc[:280, 3] = np.nan
        self.yields.iloc[[150, 260]] = np.nan

    def betas(self) -> pd.DataFrame:
        moves = factor_log_returns(CONFIG, self.closes, self.yields)
        dates = self.closes.index[[120, 260, 299]]
        return estimate(
            CONFIG, symbol_log_returns=log_returns(self.closes), factor_log_returns=moves, dates=dates
        ).betas

    def audit(self, sample: pd.DataFrame) -> pd.DataFrame:
        return audit_betas(
            sample=sample,
            adjusted_close_wide=self.closes,
            yields_10y=self.yields,
            proxies=PROXIES,
            rates="rates",
            window=252,
            min_obs=60,
        )


@pytest.fixture(scope="module")
def stored() -> Stored:
    return Stored()


@pytest.fixture(scope="module")
def betas(stored: Stored) -> pd.DataFrame:
    return stored.betas()


def test_betas_with_gaps_short_histories_and_exact_fits_agree(stored, betas):
    audit = stored.audit(betas)
    audited = audit["status"] == "ok"
    assert audited.sum() == betas["univariate_beta"].notna().sum() > 200
    assert audit.loc[audited, "relative_difference"].max() < TOLERANCE / 1000
    assert audit.index.equals(betas.index)


def test_what_is_null_is_not_audited_and_says_why(stored, betas):
    audit = stored.audit(betas)
    null = betas["univariate_beta"].isna()
    assert null.any()
    assert audit.loc[null, "relative_difference"].isna().all()
    assert (audit.loc[null, "status"] == "not audited: " + betas.loc[null, "status"]).all()


@pytest.mark.parametrize("column", ["univariate_beta", "univariate_std_error", "univariate_p_value"])
@pytest.mark.parametrize(("symbol", "factor"), [("S0", "market"), ("S1", "rates"), ("S2", "value")])
def test_a_wrong_value_is_found_and_named(stored, betas, column, symbol, factor):
    row = betas[(betas["symbol"] == symbol) & (betas["factor"] == factor)].tail(1)
    audit = stored.audit(row.assign(**{column: row[column] * (1 + 2e-6)}))
    assert audit["relative_difference"].iloc[0] == pytest.approx(2e-6, rel=0.01)
    assert audit["worst"].iloc[0] == column


def test_a_beta_of_another_date_or_count_is_found(stored, betas):
    first = betas[(betas["symbol"] == "S0") & (betas["factor"] == "market")].iloc[:2]
    swapped = first.assign(date=first["date"].to_numpy()[::-1])
    assert (stored.audit(swapped)["relative_difference"] == np.inf).all()
    miscounted = stored.audit(first.assign(n_obs=first["n_obs"] + 1))
    assert miscounted["worst"].tolist() == ["n_obs", "n_obs"]
    assert (miscounted["relative_difference"] == np.inf).all()


def test_a_missing_value_of_ours_differs_by_infinity(stored, betas):
    row = betas[(betas["symbol"] == "S0") & (betas["factor"] == "size")].head(1)
    audit = stored.audit(row.assign(univariate_std_error=np.nan))
    assert audit["relative_difference"].tolist() == [np.inf]


def test_prices_that_lack_the_sample_are_refused(stored, betas):
    row = betas[betas["symbol"] == "S0"].head(1)
    with pytest.raises(InputError, match="symbol GONE"):
        stored.audit(row.assign(symbol="GONE"))
    with pytest.raises(InputError, match="date 2031-01-02"):
        stored.audit(row.assign(date=pd.Timestamp("2031-01-02")))


def test_empty_sample(stored, betas):
    assert stored.audit(betas.iloc[:0]).empty
