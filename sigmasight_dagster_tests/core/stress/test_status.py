"""What stress says where something is missing, doubtful or wrong."""

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_core.stress.stress import stress
from sigmasight_dagster_tests.core.stress.stress_inputs import (
    DAY,
    FACTORS,
    PNL,
    Inputs,
    betas,
    mixed_book,
    scenario,
)

SHIPPED = default_scenarios(FACTORS)


class TestMissing:
    def test_unavailable_factor(self) -> None:
        inputs = mixed_book()
        inputs.loadings["growth"] = (np.nan, np.nan)
        shocks = {"value": 20.0, "growth": -10.0}
        names = [scenario("both", **shocks), scenario("growth", growth=5), scenario("value", value=20)]
        output = inputs.run(*names)
        results = output.results.set_index("scenario")
        assert results.loc["both", "status"] == "partial: growth unavailable"
        assert results.loc["growth", "status"] == "unavailable: growth"
        assert results.loc["growth", [*PNL, "plausibility_sigma"]].isna().all()
        pd.testing.assert_series_equal(results.loc["both", PNL], results.loc["value", PNL], check_names=False)
        by_position = output.positions.groupby("scenario")["status"].unique()
        assert list(by_position["both"]) == ["partial: growth unavailable"]
        assert list(by_position["growth"]) == ["unavailable: growth"]

    def test_no_factor_state_at_all(self) -> None:
        inputs = mixed_book()
        inputs.loadings = {}
        results = inputs.run(scenario(market=-10, rates=10)).results
        assert results["status"].item() == "unavailable: market, rates"

    def test_position_without_beta_price_or_greeks(self) -> None:
        inputs = Inputs(
            betas={"A": betas(1.0), "Y": betas(np.nan), "Z": betas(1.0)}, beta_status="short history"
        )
        good = inputs.hold("A", 1, 100.0)
        inputs.hold("X", 1, 100.0)
        no_beta = inputs.hold("Y", 1, 100.0)
        no_price = inputs.hold("Z", 1, np.nan)
        no_greeks = inputs.hold_option("A", 1, 100.0, 100.0, 30, np.nan, is_call=True)
        output = inputs.run(scenario(market=-10))
        result = output.results.iloc[0]
        option = no_greeks.split("@")[0]
        assert result["status"] == f"partial: no Greeks for {option}; no beta for X, Y; no price for Z"
        assert result["direct_pnl"] == pytest.approx(-10.0)
        rows = output.positions.set_index("position_id")
        assert rows.loc[good, "status"] == "ok"
        assert rows.loc[no_beta, "status"] == "no beta for Y: short history"
        assert rows.loc[no_price, "status"] == "no price for Z"
        assert rows[PNL].isna().all(axis=1).sum() == 4

    def test_nothing_could_be_computed(self) -> None:
        inputs = Inputs()
        inputs.hold("X", 1, 100.0)
        result = inputs.run(scenario(market=-10)).results.iloc[0]
        assert result["status"] == "unavailable: no beta for X"
        assert np.isnan(result["direct_pnl"])

    def test_empty_portfolio_and_empty_request(self) -> None:
        results, positions, impacts = Inputs().run(*SHIPPED)
        ok = results[results["status"] == "ok"]
        assert len(results) == len(SHIPPED)
        assert len(positions) == 0
        assert len(impacts) == len(SHIPPED) + sum(len(one.shocks) for one in SHIPPED)
        assert (ok[PNL] == 0.0).all(axis=None)
        assert [len(frame) for frame in Inputs(dates=[], partitions=[]).run(*SHIPPED)] == [0, 0, 0]
        assert [len(frame) for frame in mixed_book().run()] == [0, 0, 0]


class TestWarnings:
    def test_plausibility_of_one_factor(self) -> None:
        result = Inputs().run(scenario(market=-10)).results.iloc[0]
        sigmas = -log(0.9) / (0.011 * sqrt(252))
        assert result["plausibility_sigma"] == pytest.approx(sigmas, rel=1e-12)
        assert result["warning"] == ""

    def test_impossible_combination_is_flagged(self) -> None:
        results = Inputs().run(scenario("a", market=-35, growth=15), scenario("b", market=-35)).results
        assert results["warning"].str.fullmatch(r"implausible: \d+\.\d sigma").tolist() == [True, False]

    def test_rate_shocks_carry_the_regime_warning(self) -> None:
        inputs = Inputs()
        result = inputs.run(scenario(rates=100)).results.iloc[0]
        assert result["warning"] == "regime: correlated rate shocks depend on the stock-bond correlation"
        inputs.loadings["rates"] = (np.nan, np.nan)
        assert inputs.run(scenario(rates=100)).results["warning"].item() == ""

    def test_a_replay_that_fixes_the_market_depends_on_no_stock_bond_correlation(self) -> None:
        inputs = Inputs()
        both, rates_and_style = (
            inputs.run(one).results["warning"].item()
            for one in (scenario(market=-10, rates=-25), scenario(value=1, rates=-25))
        )
        assert both == ""
        assert rates_and_style.startswith("regime: ")


class TestRefused:
    def run(self, **changes: pd.DataFrame) -> None:
        stress([scenario(market=-10)], **(mixed_book().frames() | changes))

    def test_position_outside_of_the_partitions(self) -> None:
        with pytest.raises(InputError, match="of p on 2022-10-03 is outside of the partitions"):
            self.run(partitions=pd.DataFrame({"date": [DAY], "portfolio": ["other"]}))

    def test_position_without_values(self) -> None:
        values = mixed_book().frames()["position_values"]
        with pytest.raises(
            InputError, match="position A@2022-01-03/0 of p on 2022-10-03 has no row in position_v"
        ):
            self.run(position_values=values.iloc[1:])

    def test_position_not_in_the_ledger(self) -> None:
        with pytest.raises(InputError, match="is not in the ledger; import"):
            self.run(positions=mixed_book().frames()["positions"].iloc[:3])

    def test_partitions_without_portfolio(self) -> None:
        with pytest.raises(InputError, match="partitions lacks the columns portfolio"):
            self.run(partitions=pd.DataFrame({"date": [DAY]}))

    def test_covariance_not_positive_definite(self) -> None:
        inputs = mixed_book()
        inputs.sigma = np.full((4, 4), 1e-4)
        with pytest.raises(InputError, match="factor_covariance of 2022-10-03 is not positive definite"):
            inputs.run(scenario(market=-10))
