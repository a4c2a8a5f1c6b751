import dataclasses

import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import Factor, FactorModelConfig


class TestDefault:
    def test_eight_factors_in_their_order_with_their_priors(self):
        config = FactorModelConfig.default({"market": "SPY", "rates": "10Y"})
        assert config.factor_ids == (
            "market", "value", "growth", "momentum", "quality", "size", "low_volatility", "rates",
        )  # fmt: skip
        assert [(f.prior_mean, f.prior_std) for f in config.factors] == [
            (1, 0.45),
            *[(0, 0.7)] * 6,
            (0, 0.05),
        ]
        assert (config.window, config.min_obs) == (252, 60)
        assert (config.market, config.rates) == (0, 7)

    def test_what_is_not_named_or_named_none_or_empty_has_no_proxy(self):
        config = FactorModelConfig.default({"market": "SPY", "growth": None, "value": ""})
        assert [f.proxy for f in config.factors] == ["SPY", *[None] * 7]

    def test_unknown_factor_is_refused_by_name(self):
        with pytest.raises(InputError, match="quallity"):
            FactorModelConfig.default({"market": "SPY", "quallity": "QUAL"})


class TestValidation:
    def test_frozen(self):
        factor = Factor("market", "SPY", "market", 1, 0.45)
        with pytest.raises(dataclasses.FrozenInstanceError):
            factor.proxy = "VTI"  # type: ignore[misc]

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("prior_std", 0.0, "positive standard deviation"),
            ("prior_std", float("nan"), "positive standard deviation"),
            ("prior_mean", float("inf"), "finite mean"),
            ("kind", "sector", "sector"),
            ("id", "", "empty id"),
        ],
    )
    def test_bad_factor_is_refused(self, field, value, message):
        with pytest.raises(InputError, match=message):
            dataclasses.replace(Factor("value", "VTV", "style", 0, 0.7), **{field: value})

    @pytest.mark.parametrize(
        ("factors", "message"),
        [
            ((), "exactly one market"),
            ((Factor("value", "VTV", "style", 0, 0.7),), "exactly one market"),
            ((Factor("a", "A", "market", 1, 1), Factor("b", "B", "market", 1, 1)), "exactly one market"),
            ((Factor("a", "A", "market", 1, 1), Factor("a", "B", "style", 0, 1)), "unique"),
        ],
    )
    def test_bad_set_of_factors_is_refused(self, factors, message):
        with pytest.raises(InputError, match=message):
            FactorModelConfig(factors)

    @pytest.mark.parametrize(("window", "min_obs"), [(252, 9), (59, 60)])
    def test_too_few_observations_for_the_factors_or_more_than_the_window_are_refused(self, window, min_obs):
        with pytest.raises(InputError, match="min_obs"):
            FactorModelConfig.default({"market": "SPY"}, window=window, min_obs=min_obs)
