"""Scenario files: what ships, and that every mistake is refused with its file, line and key."""

import datetime as dt
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.stress.scenarios import Shock, default_scenarios, load_scenarios, merge_scenarios

FACTORS = ("market", "value", "growth", "momentum", "quality", "size", "low_volatility", "rates")

ORIGINAL_18 = {
    "market_up_10": {"market": 10},
    "market_down_10": {"market": -10},
    "market_crash_35": {"market": -35},
    "market_rally_25": {"market": 25},
    "rates_up_25bp": {"rates": 25},
    "rates_down_25bp": {"rates": -25},
    "rates_up_100bp": {"rates": 100},
    "rates_down_100bp": {"rates": -100},
    "rate_spike_300bp": {"rates": 300},
    "value_rotation_20": {"value": 20, "growth": -10},
    "growth_rally_15": {"growth": 15, "momentum": 10},
    "small_cap_outperformance_10": {"size": 10},
    "quality_flight_12": {"quality": 12, "market": -5},
    "vix_spike_150": {"low_volatility": -25, "market": -15},
    "liquidity_crisis": {"market": -20, "low_volatility": -30, "quality": 15, "size": -10},
    "financial_crisis_2008": {"market": -45.2, "value": -47.6, "growth": -42.5, "rates": -85},
    "covid_crash_2020": {
        "market": -33.7,
        "value": -36.4,
        "growth": -31.8,
        "momentum": -34.1,
        "quality": -34.1,
        "size": -39.1,
        "low_volatility": -33.0,
        "rates": -80,
    },
    "dotcom_crash_2000": {"market": -49.1, "rates": -259},
}

GOOD = """\
scenarios:
  - id: my_crash
    name: My crash
    category: market
    severity: severe
    basis: total_return
    shocks:
      market: {value: -30, unit: percent}
      rates: {value: -50, unit: basis_points}
"""


def refused(text: str, *expected: str) -> None:
    """The file is refused; the lines of the message are exactly those expected (up to their cures)."""
    with pytest.raises(InputError) as error:
        load_scenarios(text, "my.yaml", FACTORS)
    lines = str(error.value).splitlines()
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start), lines


class TestShipped:
    def test_the_eighteen_by_id_with_their_shocks(self) -> None:
        shipped = {
            s.id: {shock.factor: shock.value for shock in s.shocks} for s in default_scenarios(FACTORS)
        }
        assert {name: shipped[name] for name in ORIGINAL_18} == ORIGINAL_18

    def test_ladders(self) -> None:
        single = [s.shocks[0] for s in default_scenarios(FACTORS) if len(s.shocks) == 1]
        market = {shock.value for shock in single if shock.factor == "market"}
        rates = {shock.value for shock in single if shock.factor == "rates"}
        assert market >= {-20, -10, -5, 5, 10, 20}
        assert rates >= {-200, -100, -25, 25, 100, 200, 300}

    def test_replays_carry_dates_and_source(self) -> None:
        historical = {s.id: s for s in default_scenarios(FACTORS) if s.category == "historical"}
        assert len(historical) == 6
        assert all(s.provenance and s.provenance.source and s.provenance.start for s in historical.values())
        covid = historical["covid_crash_2020"].provenance
        assert covid is not None
        assert (covid.start, covid.end) == (dt.date(2020, 2, 19), dt.date(2020, 3, 23))

    def test_original_covid_shocks_are_kept_as_a_variant(self) -> None:
        shipped = {
            s.id: {shock.factor: shock.value for shock in s.shocks} for s in default_scenarios(FACTORS)
        }
        assert shipped["covid_crash_2020_original"]["growth"] == 15
        assert shipped["covid_crash_2020_original"]["quality"] == 10
        assert {name for name in shipped if name.endswith("_original")} == {
            f"{name}_original" for name in ("financial_crisis_2008", "covid_crash_2020", "dotcom_crash_2000")
        }

    def test_a_smaller_model_still_loads_them(self) -> None:
        assert default_scenarios(["market"]) == default_scenarios(FACTORS)


class TestUserFiles:
    def test_a_good_file(self) -> None:
        (found,) = load_scenarios(GOOD, "my.yaml", FACTORS)
        assert (found.id, found.source, found.line) == ("my_crash", "my.yaml", 2)
        assert found.shocks == (Shock("market", -30.0, "percent"), Shock("rates", -50.0, "basis_points"))

    def test_state_moves(self) -> None:
        assert Shock("market", -30.0, "percent").state_move == pytest.approx(log(0.7), rel=1e-15)
        assert Shock("rates", -50.0, "basis_points").state_move == -0.5

    def test_merge_keeps_the_order(self) -> None:
        own = load_scenarios(GOOD, "my.yaml", FACTORS)
        merged = merge_scenarios(default_scenarios(FACTORS), own)
        assert merged[-1].id == "my_crash"
        assert len(merged) == len(default_scenarios(FACTORS)) + 1

    def test_merge_refuses_an_id_used_in_two_files(self) -> None:
        one, two = (load_scenarios(GOOD, name, FACTORS) for name in ("one.yaml", "two.yaml"))
        with pytest.raises(InputError, match=r"^two\.yaml:2: my_crash\.id: duplicate id.*one\.yaml:2"):
            merge_scenarios(one, two)


class TestRefused:
    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            (
                "market: {value",
                "mrket: {value",
                "my.yaml:8: my_crash.shocks.mrket: unknown factor; use one of",
            ),
            ("-30", "-100", "my.yaml:8: my_crash.shocks.market.value: a fall of 100% is impossible"),
            ("-30", "-135.5", "my.yaml:8: my_crash.shocks.market.value: a fall of 135.5% is impossible"),
            ("-30", ".nan", "my.yaml:8: my_crash.shocks.market.value: '.nan' is not a number"),
            ("-30", "-.inf", "my.yaml:8: my_crash.shocks.market.value: '-.inf' is not a number"),
            ("-30", "1:30", "my.yaml:8: my_crash.shocks.market.value: '1:30' is not a number"),
            ("-30", "-30%", "my.yaml:8: my_crash.shocks.market.value: '-30%' is not a number"),
            ("-30", "[1]", "my.yaml:8: my_crash.shocks.market.value: 'a list or mapping' is not a number"),
            ("-30", "3000", "my.yaml:8: my_crash.shocks.market.value: 3000 percent is out of range"),
            ("-50", "-50000", "my.yaml:9: my_crash.shocks.rates.value: -50000 basis_points is out of range"),
            (", unit: percent", "", "my.yaml:8: my_crash.shocks.market.unit: missing; add it"),
            ("unit: percent", "unit: basis_points", "my.yaml:8: my_crash.shocks.market.unit: unknown value"),
            ("unit: basis_points", "unit: percent", "my.yaml:9: my_crash.shocks.rates.unit: unknown value"),
            (
                "{value: -30, unit: percent}",
                "-30",
                "my.yaml:8: my_crash.shocks.market: a shock needs its unit",
            ),
            ("      rates:", "      market:", "my.yaml:9: my_crash.shocks.market: duplicate key"),
            ("    severity: severe\n", "", "my.yaml:2: my_crash.severity: missing; add it"),
            (
                "severity: severe",
                "severity: bad",
                "my.yaml:5: my_crash.severity: unknown value 'bad'; use mild,",
            ),
            (
                "category: market",
                "category: fx",
                "my.yaml:4: my_crash.category: unknown value 'fx'; use market,",
            ),
            ("basis: total_return", "basis: residual", "my.yaml:6: my_crash.basis: unknown value 'residual'"),
            ("name: My crash", "name:", "my.yaml:3: my_crash.name: must be a text"),
            (
                "name: My crash",
                "name: x\n    nmae: y",
                "my.yaml:4: my_crash.nmae: unknown key; use id, name,",
            ),
            (
                "id: my_crash",
                "id: My Crash",
                "my.yaml:2: scenarios[0].id: 'My Crash' is not an id; use lower-case",
            ),
            (
                "category: market",
                "category: historical",
                "my.yaml:2: my_crash.provenance: missing; a historical",
            ),
            ("scenarios:", "scenario:", "my.yaml:1: scenarios.scenario: unknown key; use scenarios"),
        ],
    )
    def test_one_mistake(self, old: str, new: str, expected: str) -> None:
        text = GOOD.replace(old, new, 1)
        assert text != GOOD
        with pytest.raises(InputError) as error:
            load_scenarios(text, "my.yaml", FACTORS)
        assert str(error.value).splitlines()[0].startswith(expected)

    def test_duplicate_id(self) -> None:
        second = GOOD.removeprefix("scenarios:\n")
        refused(GOOD + second, "my.yaml:10: my_crash.id: duplicate id, already used in line 2; rename")

    def test_no_shocks(self) -> None:
        start = GOOD.index("    shocks:")
        refused(
            GOOD[:start] + "    shocks: {}\n",
            "my.yaml:7: my_crash.shocks: no factor is shocked; name at least",
        )

    def test_every_mistake_is_reported_at_once(self) -> None:
        text = GOOD.replace("severe", "bad").replace("-30", "-100").replace("basis_points", "percent")
        refused(
            text,
            "my.yaml:5: my_crash.sev",
            "my.yaml:8: my_crash.shocks.market",
            "my.yaml:9: my_crash.shocks.rat",
        )

    @pytest.mark.parametrize(
        ("provenance", "expected"),
        [
            (
                "{start: 2020-03-23, end: 2020-02-19, source: x}",
                "my.yaml:10: my_crash.provenance.end: 2020-02-19 is",
            ),
            (
                "{start: 2020-02-30, end: 2020-03-19, source: x}",
                "my.yaml:10: my_crash.provenance.start: '2020-02-30'",
            ),
            ("{start: 2020-02-19, source: x}", "my.yaml:10: my_crash.provenance.end: missing"),
            ("{start: 2020-02-19, end: 2020-03-23}", "my.yaml:10: my_crash.provenance.source: missing"),
            ("none", "my.yaml:10: my_crash.provenance: must be a mapping"),
        ],
    )
    def test_provenance(self, provenance: str, expected: str) -> None:
        text = GOOD.replace("category: market", "category: historical")
        refused(f"{text}    provenance: {provenance}\n", expected)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "my.yaml:1: scenarios: the file is empty"),
            ("scenarios: []\n", "my.yaml:1: scenarios: must be a list with at least one entry"),
            ("scenarios:\n  a: 1\n", "my.yaml:2: scenarios: must be a list with at least one entry"),
            ("- 1\n", "my.yaml:1: scenarios: must be a mapping"),
            ("scenarios:\n  - id: [a\n", "my.yaml:3: not YAML: "),
            ("scenarios:\n  - a\n", "my.yaml:2: scenarios[0]: must be a mapping"),
            ("scenarios: \x00\n", "my.yaml: not YAML: "),
        ],
    )
    def test_not_a_scenario_file(self, text: str, expected: str) -> None:
        refused(text, expected)

    @given(st.text(max_size=60))
    @settings(max_examples=100, deadline=None)
    def test_any_text_is_refused_by_name(self, text: str) -> None:
        message = ""
        try:
            load_scenarios(text, "my.yaml", FACTORS)
        except InputError as error:
            message = str(error)
        assert all(line.startswith("my.yaml:") for line in message.splitlines())
        assert message
