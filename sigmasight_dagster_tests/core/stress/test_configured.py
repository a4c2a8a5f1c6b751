"""Scenarios and factors as rows, and the keys of scenario files that say more."""

import json

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.configured import factor_rows
from sigmasight_core.stress.configured import scenario_rows
from sigmasight_core.stress.scenarios import default_scenarios, load_scenarios
from sigmasight_core.tables import Factors, Scenarios, validate

FACTORS = ("market", "rates")
OWN = """
scenarios:
  - id: own
    name: Own
    description: What I fear
    category: market
    severity: extreme
    basis: total_return
    comparison: {comparison}
    shocks:
      market: {{value: -50, unit: percent}}
      rates: {{value: 100, unit: basis_points}}
"""


def test_rows_say_what_the_files_say() -> None:
    shipped = default_scenarios(FACTORS)
    rows = validate(Scenarios, scenario_rows(shipped)).set_index("scenario")
    assert len(rows) == len(shipped)
    compared = rows.index[rows["comparison"] == "yes"]
    assert set(compared) == {name for name in rows.index if name.endswith("_original")}
    assert len(compared) == 3
    covid = rows.loc["covid_crash_2020"]
    assert covid["period_start_date"] == pd.Timestamp("2020-02-19")
    assert json.loads(covid["shocks"])["rates"] == {"value": -80, "unit": "basis_points"}
    assert covid["description"].startswith("market -33.7%, value -36.4%")
    assert "VTV" in covid["provenance"]
    assert rows.loc["market_up_5", "period_end_date"] is pd.NaT
    assert set(rows["active"]) == {"yes"}


def test_a_file_of_ones_own_may_describe_and_compare() -> None:
    (own,) = load_scenarios(OWN.format(comparison="true"), "own.yaml", FACTORS)
    assert own.comparison
    (row,) = validate(Scenarios, scenario_rows([own])).to_dict("records")
    assert (row["description"], row["comparison"], row["source"]) == ("What I fear", "yes", "own.yaml")
    assert not load_scenarios(OWN.format(comparison="false"), "own.yaml", FACTORS)[0].comparison
    with pytest.raises(
        InputError, match=r"own.yaml:9: own.comparison: unknown value 'maybe'; use true, false"
    ):
        load_scenarios(OWN.format(comparison="maybe"), "own.yaml", FACTORS)


def test_factors_in_their_order() -> None:
    config = FactorModelConfig.default({"market": "SPY", "rates": "10Y"})
    rows = validate(Factors, factor_rows(config)).sort_values("position")
    assert rows["factor"].tolist() == list(config.factor_ids)
    assert rows["proxy"].tolist() == ["SPY", "", "", "", "", "", "", "10Y"]
    assert rows["unit"].iloc[[0, -1]].tolist() == ["log return", "percentage points"]
