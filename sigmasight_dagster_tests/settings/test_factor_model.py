"""[factor_model] of sigmasight.toml: what it makes, and one line for everything that it cannot mean."""

from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import DEFAULT_KINDS, FactorModelConfig
from sigmasight_core.tables import DailyPrices, TreasuryYields
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.engine.declaration import with_factor_window
from sigmasight_dagster.gates.market import FACTORS_ARE_NOT_COLLINEAR
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

OIL = {"kind": "style", "proxy": "XOM"}


def settings(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str = "") -> Settings:
    """Settings as read from a sigmasight.toml with this text."""
    (folder / "sigmasight.toml").write_text(text)
    monkeypatch.setitem(Settings.model_config, "toml_file", folder / "sigmasight.toml")
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    return Settings()


def test_default_is_the_eight_standard_factors_with_the_providers_proxies(monkeypatch, tmp_path):
    platform = Platform(settings(monkeypatch, tmp_path))
    assert platform.factor_model == FactorModelConfig.default(platform.market_data.factor_proxies())
    assert platform.factor_model.factor_ids == tuple(DEFAULT_KINDS)


def test_factors_window_priors_and_a_factor_of_ones_own_from_toml(monkeypatch, tmp_path):
    text = """
        provider = "sample"
        factor_proxies = { value = "JPM" }
        [factor_model]
        factors = ["market", "value", "oil", "rates"]
        window = 120
        min_obs = 40
        [factor_model.define.oil]
        kind = "style"
        proxy = "XOM"
        prior_mean = 0.1
        [factor_model.define.market]
        prior_std = 0.3
    """
    config = Platform(settings(monkeypatch, tmp_path, text)).factor_model
    found = [(f.id, f.proxy, f.kind, f.prior_mean, f.prior_std) for f in config.factors]
    assert found == [
        ("market", "SP500", "market", 1.0, 0.3),
        ("value", "JPM", "style", 0.0, 0.7),
        ("oil", "XOM", "style", 0.1, 0.7),
        ("rates", None, "rates", 0.0, 0.05),
    ]
    assert (config.window, config.min_obs) == (120, 40)


def test_environment_is_read_as_json(monkeypatch):
    monkeypatch.setenv("SIGMASIGHT_FACTOR_MODEL", '{"factors": ["market", "size"], "min_obs": 30}')
    assert Settings().factor_model.factors == ["market", "size"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"windw": 5}, "factor_model.windw: unknown key; use factors, define, window, min_obs, got 5"),
        ({"window": "year"}, "factor_model.window: Input should be a valid integer"),
        ({"window": 5}, "factor_model.window: Input should be greater than or equal to 20"),
        ({"window": 50}, "factor_model: min_obs is 60; with 8 factors and a window of 50 sessions"),
        ({"min_obs": 9}, "must lie between 10 and 252"),
        ({"factors": ["value"]}, "needs exactly one market factor"),
        ({"factors": ["market", "market"]}, "factor ids must be unique"),
        ({"factors": ["market", "oil"]}, "factor_model.define.oil: unknown factor; known are market, value"),
        (
            {"factors": ["market", "oil"], "define": {"oil": {"kind": "sector", "proxy": "XOM"}}},
            "factor_model.define.oil: kind 'sector' is unknown; use style",
        ),
        (
            {"factors": ["market", "spx"], "define": {"spx": {"kind": "market", "proxy": "XOM"}}},
            "factor_model.define.spx: a factor of kind market must have the id 'market'",
        ),
        ({"define": {"oil": OIL}}, "factor_model.define.oil: not in factor_model.factors"),
        ({"define": {"value": {"prior_std": 0}}}, "factor value: the prior needs .* positive standard"),
        ({"define": {"value": {"prior_mean": float("nan")}}}, "factor value: the prior needs a finite mean"),
        ({"define": {"value": {"kind": "rates"}}}, "factor_model.define.value: kind is style, not 'rates'"),
        ({"define": {"value": {"proxy": "JPM"}}}, "define.value: .* set it in factor_proxies"),
        ({"define": {"rates": {"proxy": "2Y"}}}, "define.rates: .* rates is the 10-year yield"),
        ({"define": {"value": {"sd": 1}}}, "factor_model.define.value.sd: unknown key; use kind, proxy"),
        (7, "factor_model: Input should be a valid dictionary"),
    ],
)
def test_refused_in_one_line_that_names_the_key(given, message):
    with pytest.raises(InputError, match=message) as refusal:
        Settings(factor_model=given)
    assert len(str(refusal.value).splitlines()) == 1


def test_own_proxy_without_prices_is_refused_by_name():
    factors = [*DEFAULT_KINDS, "oil"]
    given = Settings(
        provider="sample",
        factor_model={"factors": factors, "define": {"oil": {"kind": "style", "proxy": "USO"}}},  # type: ignore[arg-type]
    )
    with pytest.raises(InputError, match=r"factor_model\.define\.oil: proxy 'USO' has no prices"):
        _ = Platform(given).factor_model


def test_window_is_the_look_back_of_the_assets_that_need_it_and_of_no_other():
    resized = with_factor_window(RISK_ASSETS, 400)
    by_name = {asset.name: {item.model: item.look_back for item in asset.inputs} for asset in resized}
    for name in ("factor_betas", "factor_covariance", "factor_correlations", "rate_betas"):
        assert by_name[name] == {DailyPrices: 400, TreasuryYields: 400}
    assert by_name["realized_volatility"] == {DailyPrices: 252}
    assert [asset.name for asset in resized] == [asset.name for asset in RISK_ASSETS]


def diagnostics(pairs: list[int], vif: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "condition_number": 900.0,
            "largest_vif": vif,
            "n_collinear_pairs": pairs,
            "collinear_pairs": ["market~growth 0.96" if n else "" for n in pairs],
        }
    )


@pytest.mark.parametrize(
    ("pairs", "vif", "passed", "dates"),
    [([0, 0], [2.0, 9.0], True, 0), ([0, 1], [2.0, 3.0], False, 1), ([0, 0], [11.0, float("nan")], False, 1)],
)
def test_gate_warns_of_pairs_and_of_inflation_and_gives_the_numbers(pairs, vif, passed, dates):
    outcome = FACTORS_ARE_NOT_COLLINEAR.evaluate(diagnostics(pairs, vif))
    assert outcome.passed is passed
    assert outcome.metadata["dates_with_collinear_factors"] == dates
    assert not FACTORS_ARE_NOT_COLLINEAR.blocking
    if not passed:
        assert outcome.metadata["largest_vif"] == max(vif[:1] + [v for v in vif[1:] if v == v])
        assert outcome.metadata["largest_condition_number"] == 900.0
