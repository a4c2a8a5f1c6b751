"""Factor exposures by hand: dollars, units, sums, and what is said of positions without a number."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.factors import exposures
from sigmasight_core.factors.exposures import position_factor_exposures
from sigmasight_core.tables import FactorExposures, PositionFactorExposures, validate

DATE = pd.Timestamp("2024-03-01")
FACTORS = ("market", "value", "rates")
CALL = "AAPL240621C00180000"
NO_YIELDS = "unavailable: no data of 10Y in the window"


def positions(*rows: tuple[str, str, str, float, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and Greeks of (portfolio, symbol, underlying, delta_exposure, Greeks status)."""
    frame = pd.DataFrame(rows, columns=["portfolio", "symbol", "underlying", "delta_exposure", "status"])
    frame = frame.assign(date=DATE, position_id=frame["symbol"] + "@2024-01-02")
    keys = ["date", "portfolio", "position_id"]
    return frame[[*keys, "symbol", "underlying"]], frame[[*keys, "delta_exposure", "status"]]


def betas(**by_symbol: tuple[float, float, float]) -> pd.DataFrame:
    rows = [(DATE, s, f, b) for s, values in by_symbol.items() for f, b in zip(FACTORS, values, strict=True)]
    frame = pd.DataFrame(rows, columns=["date", "symbol", "factor", "beta"])
    return frame.assign(status=np.where(frame["beta"].isna(), "insufficient: 12 of 60 observations", "ok"))


BETAS = betas(AAPL=(1.2, -0.3, -0.05), JPM=(0.9, 0.8, 0.02))
BOOK = positions(
    ("a", "AAPL", "AAPL", 10_000.0, "linear"),
    ("a", "JPM", "JPM", -4_000.0, "linear"),
    ("a", CALL, "AAPL", 2_500.0, "ok"),
    ("b", "JPM", "JPM", 1_000.0, "linear"),
)


def exposures_of(book: tuple[pd.DataFrame, pd.DataFrame], betas: pd.DataFrame) -> pd.DataFrame:
    """Position exposures of a book of values and Greeks."""
    return position_factor_exposures(
        position_values=book[0], position_greeks=book[1], betas=betas, factor_ids=FACTORS
    )


def factor_exposures(
    *, position_exposures: pd.DataFrame, total_values: pd.DataFrame, factor_ids: tuple[str, ...]
) -> pd.DataFrame:
    """Exposures whose sums have a standard error of 3 USD each (test_portfolio_errors has the true ones)."""
    return exposures.factor_exposures(
        position_exposures=position_exposures,
        total_values=total_values,
        factor_ids=factor_ids,
        std_errors=np.full((len(total_values), len(factor_ids)), 3.0),
    )


def totals(*rows: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["portfolio", "total_value"]).assign(date=DATE)


def by_position(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index(["portfolio", "position_id", "factor"]).sort_index()


def by_portfolio(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index(["portfolio", "factor"]).sort_index()


class TestPositions:
    def test_every_held_position_times_every_factor(self):
        rows = exposures_of(BOOK, BETAS)
        validate(PositionFactorExposures, rows)
        assert len(rows) == 4 * 3
        assert (rows["status"] == "ok").all()

    @pytest.mark.parametrize(
        ("portfolio", "symbol", "expected"),
        [
            ("a", "AAPL", [12_000.0, -3_000.0, -5.0]),
            ("a", "JPM", [-3_600.0, -3_200.0, -0.8]),
            ("a", CALL, [3_000.0, -750.0, -1.25]),
            ("b", "JPM", [900.0, 800.0, 0.2]),
        ],
    )
    def test_dollars_are_delta_exposure_times_beta_of_the_underlying_rates_per_basis_point(
        self, portfolio, symbol, expected
    ):
        rows = by_position(exposures_of(BOOK, BETAS))
        found = rows.loc[(portfolio, f"{symbol}@2024-01-02")].loc[list(FACTORS), "exposure_usd"]
        np.testing.assert_allclose(found, expected, rtol=1e-14)

    def test_reasons(self):
        book = positions(
            ("a", "NEW", "NEW", 100.0, "linear"),
            ("a", "GONE", "GONE", 100.0, "linear"),
            ("a", "AAPL", "AAPL", np.nan, "no price: AAPL"),
            ("a", "NEW2", "NEW", np.nan, "no price: NEW"),
        )
        known = pd.concat([BETAS, betas(NEW=(np.nan, np.nan, np.nan))])
        no_rates = known["factor"] == "rates"
        known.loc[no_rates, "beta"] = np.nan
        known.loc[no_rates, "status"] = NO_YIELDS
        rows = exposures_of(book, known)
        validate(PositionFactorExposures, rows)
        assert rows["exposure_usd"].isna().all()
        short, absent = (
            "no beta: insufficient: 12 of 60 observations",
            "no beta: the underlying is not in factor_betas",
        )
        no_price = "no delta exposure: no price: AAPL"
        found = rows.pivot_table("status", ["portfolio", "position_id"], "factor", "first")[list(FACTORS)]
        assert found.loc[("a", "NEW@2024-01-02")].tolist() == [short, short, NO_YIELDS]
        assert found.loc[("a", "GONE@2024-01-02")].tolist() == [absent] * 3
        assert found.loc[("a", "AAPL@2024-01-02")].tolist() == [no_price, no_price, NO_YIELDS]
        assert found.loc[("a", "NEW2@2024-01-02")].tolist() == [short, short, NO_YIELDS]
        assert by_position(rows).loc[("a", "AAPL@2024-01-02", "market"), "beta"] == 1.2

    def test_betas_are_those_of_the_date(self):
        values, greeks = BOOK
        later = pd.Timestamp("2024-03-04")
        both = [pd.concat([frame, frame.assign(date=later)], ignore_index=True) for frame in (values, greeks)]
        known = pd.concat([BETAS, BETAS.assign(date=later, beta=BETAS["beta"] * 2)])
        rows = exposures_of(both, known)
        first, second = (by_position(rows[rows["date"] == date])["exposure_usd"] for date in (DATE, later))
        pd.testing.assert_series_equal(second, first * 2)

    def test_no_positions(self):
        values, greeks = (frame.iloc[:0] for frame in BOOK)
        rows = position_factor_exposures(
            position_values=values, position_greeks=greeks, betas=BETAS, factor_ids=FACTORS
        )
        assert len(rows) == 0
        validate(PositionFactorExposures, rows)

    def test_greeks_without_a_value_are_refused(self):
        values, greeks = BOOK
        with pytest.raises(InputError, match="JPM@2024-01-02 of b on 2024-03-01"):
            position_factor_exposures(
                position_values=values.iloc[:3], position_greeks=greeks, betas=BETAS, factor_ids=FACTORS
            )


class TestPortfolios:
    def exposures(self, book=BOOK, known=BETAS, *rows: tuple[str, float]) -> pd.DataFrame:
        found = exposures_of(book, known)
        result = factor_exposures(
            position_exposures=found,
            total_values=totals(*(rows or (("a", 20_000.0), ("b", 500.0)))),
            factor_ids=FACTORS,
        )
        validate(FactorExposures, result)
        return by_portfolio(result)

    def test_sums_and_betas_in_the_unit_of_the_betas(self):
        found = self.exposures()
        a = found.loc["a"].loc[list(FACTORS)]
        np.testing.assert_allclose(a["exposure_usd"], [11_400, -6_950, -7.05], rtol=1e-14)
        np.testing.assert_allclose(a["beta"], [0.57, -0.3475, -0.03525], rtol=1e-14)
        assert a["n_positions"].tolist() == [3, 3, 3]
        assert (found["status"] == "ok").all()

    def test_unlevered_single_stock_has_the_betas_of_the_stock(self):
        book = positions(("a", "AAPL", "AAPL", 7_000.0, "linear"))
        found = self.exposures(book, BETAS, ("a", 7_000.0)).loc["a"].loc[list(FACTORS)]
        np.testing.assert_allclose(found["beta"], [1.2, -0.3, -0.05], rtol=1e-14)

    def test_nothing_held_is_zero(self):
        found = self.exposures(BOOK, BETAS, ("a", 1.0), ("b", 1.0), ("c", 100.0)).loc["c"]
        assert found[["beta", "exposure_usd", "n_positions"]].to_numpy().tolist() == [[0, 0, 0]] * 3
        assert (found["status"] == "ok").all()

    @pytest.mark.parametrize(
        ("total", "reason"),
        [
            (0.0, "no beta: total value is not positive"),
            (-5.0, "no beta: total value is not positive"),
            (np.nan, "no beta: no total value"),
        ],
    )
    def test_without_a_positive_total_there_are_dollars_and_no_beta(self, total, reason):
        found = self.exposures(BOOK, BETAS, ("a", total), ("b", 1.0)).loc["a"]
        assert found["beta"].isna().all()
        assert found["exposure_usd"].notna().all()
        assert set(found["status"]) == {reason}

    def test_partial_sums_name_what_is_left_out(self):
        book = positions(
            ("a", "AAPL", "AAPL", 1_000.0, "linear"),
            ("a", "NEW", "NEW", 1_000.0, "linear"),
            ("a", "ABC", "ABC", 1_000.0, "linear"),
            ("a", "JPM", "JPM", np.nan, "no price: JPM"),
        )
        found = self.exposures(book, BETAS, ("a", 2_000.0)).loc[("a", "market")]
        assert (found["exposure_usd"], found["beta"], found["n_positions"]) == (1_200, 0.6, 1)
        assert found["status"] == "partial: no beta for ABC, NEW; no delta exposure for JPM"

    def test_long_lists_are_cut(self):
        names = [f"X{i}" for i in range(8)]
        book = positions(
            ("a", "AAPL", "AAPL", 1.0, "linear"), *[("a", name, name, 1.0, "linear") for name in names]
        )
        status = self.exposures(book, BETAS, ("a", 1.0)).loc[("a", "market"), "status"]
        assert status == "partial: no beta for X0, X1, X2, X3, X4 and 3 more"

    def test_unavailable_factor_is_null_with_its_reason_and_the_rest_goes_on(self):
        known = BETAS.copy()
        known.loc[known["factor"] == "rates", ["beta", "status"]] = [np.nan, NO_YIELDS]
        found = self.exposures(BOOK, known)
        rates = found.xs("rates", level="factor")
        assert rates[["beta", "exposure_usd"]].isna().all(axis=None)
        assert set(rates["status"]) == {NO_YIELDS}
        assert (found.drop("rates", level="factor")["status"] == "ok").all()

    def test_no_position_with_a_beta_is_null_not_zero(self):
        book = positions(("a", "NEW", "NEW", 1_000.0, "linear"))
        found = self.exposures(book, BETAS, ("a", -1.0)).loc[("a", "market")]
        assert np.isnan(found["exposure_usd"])
        assert found["status"] == "no beta for NEW; no beta: total value is not positive"

    def test_positions_without_a_total_or_of_another_factor_are_refused(self):
        rows = exposures_of(BOOK, BETAS)
        with pytest.raises(
            InputError, match=r"portfolio b .* on 2024-03-01 is not in the portfolios asked for"
        ):
            factor_exposures(position_exposures=rows, total_values=totals(("a", 1.0)), factor_ids=FACTORS)
        with pytest.raises(InputError, match=r"factor value .* is not in factor_ids"):
            factor_exposures(
                position_exposures=rows,
                total_values=totals(("a", 1.0), ("b", 1.0)),
                factor_ids=("market", "rates"),
            )

    def test_order_of_rows_does_not_matter(self):
        rows = exposures_of(BOOK, BETAS)
        mixed = rows.sample(frac=1, random_state=1)
        expected = factor_exposures(
            position_exposures=rows, total_values=totals(("a", 3.0), ("b", 2.0)), factor_ids=FACTORS
        )
        pd.testing.assert_frame_equal(
            factor_exposures(
                position_exposures=mixed, total_values=totals(("a", 3.0), ("b", 2.0)), factor_ids=FACTORS
            ),
            expected,
        )


@settings(max_examples=40, deadline=None)
@given(exposures=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), scale=st.floats(0.1, 10))
def test_dollars_add_up_over_positions_and_scale_with_the_book(exposures, scale):
    def sums(size: float) -> pd.DataFrame:
        book = positions(*[("a", f"JPM{i}", "JPM", size * e, "linear") for i, e in enumerate(exposures)])
        rows = exposures_of(book, BETAS)
        return factor_exposures(position_exposures=rows, total_values=totals(("a", 1e6)), factor_ids=FACTORS)

    net = sum(exposures)
    np.testing.assert_allclose(
        sums(1.0)["exposure_usd"], [0.9 * net, 0.8 * net, 0.0002 * net], rtol=1e-9, atol=1e-6
    )
    np.testing.assert_allclose(sums(scale)["beta"], scale * sums(1.0)["beta"], rtol=1e-9, atol=1e-9)
