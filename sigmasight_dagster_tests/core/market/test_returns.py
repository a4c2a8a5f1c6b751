"""Returns and EWMA volatility against pandas' own ewm and explicit weights."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.calendar import sessions
from sigmasight_core.errors import InputError
from sigmasight_core.market.returns import log_returns, realized_volatility, to_wide
from sigmasight_core.tables import RealizedVolatility, validate


def returns_frame(n_sessions: int, n_symbols: int, gaps: float = 0.0, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.02, (n_sessions, n_symbols))
    values[rng.random(values.shape) < gaps] = np.nan
    index = sessions("2020-01-02", "2023-12-29")[:n_sessions]
    return pd.DataFrame(values, index=index, columns=[f"S{i}" for i in range(n_symbols)])


def wide_volatility(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index(["date", "symbol"])["annualized_volatility"].unstack("symbol")  # noqa: PD010


class TestWide:
    def test_gaps_stay_gaps_and_foreign_dates_are_dropped(self) -> None:
        days = sessions("2024-01-02", "2024-01-04")
        prices = pd.DataFrame(
            {
                "date": pd.to_datetime(["2024-01-02", "2024-01-04", "2024-01-02", "2023-12-29"]),
                "symbol": ["B", "B", "A", "A"],
                "adjusted_close": [10.0, 12.0, 5.0, 4.0],
            }
        )
        wide = to_wide(prices, days)
        expected = pd.DataFrame(
            {"A": [5.0, np.nan, np.nan], "B": [10.0, np.nan, 12.0]}, index=days
        ).rename_axis(columns="symbol")
        pd.testing.assert_frame_equal(wide, expected, check_column_type=False, check_freq=False)

    def test_returns_next_to_a_gap_are_missing(self) -> None:
        wide = pd.DataFrame(
            {"A": [100.0, 110.0, np.nan, 121.0, 121.0]}, index=sessions("2024-01-02", "2024-01-08")
        )
        np.testing.assert_allclose(
            log_returns(wide)["A"], [np.nan, np.log(1.1), np.nan, np.nan, 0.0], rtol=1e-12
        )

    def test_a_price_of_zero_is_no_price(self) -> None:
        wide = pd.DataFrame({"A": [1.0, 0.0, 1.0]}, index=sessions("2024-01-02", "2024-01-04"))
        assert log_returns(wide)["A"].isna().all()


class TestRealizedVolatility:
    @pytest.mark.parametrize("gaps", [0.0, 0.3])
    def test_equals_pandas_ewm_when_the_window_covers_all(self, gaps: float) -> None:
        returns = returns_frame(200, 4, gaps)
        ours = wide_volatility(realized_volatility(returns, returns.index, window=252))
        mean_square = (returns**2).ewm(alpha=0.06, adjust=True, ignore_na=False, min_periods=20).mean()
        np.testing.assert_allclose(ours, np.sqrt(252 * mean_square), rtol=1e-12)

    def test_the_window_cuts_off_old_returns(self) -> None:
        returns = returns_frame(60, 1)
        ours = realized_volatility(returns, returns.index[-1:], window=30)
        weights = 0.94 ** np.arange(30)[::-1]
        expected = np.sqrt(252 * np.average(returns["S0"].to_numpy()[-30:] ** 2, weights=weights))
        assert ours["annualized_volatility"].item() == pytest.approx(expected, rel=1e-12)
        assert ours["n_obs"].item() == 30

    def test_too_few_returns_say_so(self) -> None:
        returns = returns_frame(25, 2)
        returns.iloc[:10, 1] = np.nan
        rows = validate(RealizedVolatility, realized_volatility(returns, returns.index[[9, 24]]))
        assert rows["status"].tolist() == [
            "insufficient: 10 of 20 sessions",
            "insufficient: 0 of 20 sessions",
            "ok",
            "insufficient: 15 of 20 sessions",
        ]
        assert rows["annualized_volatility"].isna().tolist() == [True, True, False, True]

    def test_a_constant_price_has_volatility_zero(self) -> None:
        returns = returns_frame(30, 1) * 0.0
        assert realized_volatility(returns, returns.index[-1:])["annualized_volatility"].item() == 0.0

    def test_a_value_does_not_depend_on_what_else_is_computed(self) -> None:
        returns = returns_frame(300, 5, gaps=0.1)
        together = realized_volatility(returns, returns.index[100:])
        alone = realized_volatility(returns[["S3"]].iloc[:251], returns.index[[250]])
        same = together[(together["symbol"] == "S3") & (together["date"] == returns.index[250])]
        assert same["annualized_volatility"].item() == alone["annualized_volatility"].item()

    def test_a_date_without_returns_is_refused(self) -> None:
        returns = returns_frame(30, 1)
        with pytest.raises(InputError, match="no returns for 2024-01-02"):
            realized_volatility(returns, pd.DatetimeIndex(["2024-01-02"]))
