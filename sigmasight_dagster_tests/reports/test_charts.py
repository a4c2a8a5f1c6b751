"""Charts: PNG of a sensible size for books with gaps, shorts, rates and nothing at all."""

import struct
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.report import charts, reality_charts
from sigmasight_core.report.canvas import DPI, money, percent
from sigmasight_dagster_tests.conftest import REPOSITORY

SOURCE = "Prices: test."
MINUS = "\N{MINUS SIGN}"


def size(png: bytes) -> tuple[int, int]:
    """Width and height from the header (PNG specification, 11.2.2), which must be there."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert png[12:16] == b"IHDR"
    assert png[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def check(png: bytes) -> None:
    width, height = size(png)
    assert 6 * DPI <= width <= 18 * DPI
    assert 2 * DPI <= height <= 18 * DPI
    assert 8_000 < len(png) < 1_000_000


def exposures(*, rates: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "factor": ["growth", "market", "rates", "size"],
            "beta": [np.nan, 0.4, rates / 10, -0.2],
            "exposure_usd": [np.nan, 4e5, rates, -2e5],
        }
    ).astype({"factor": "str"})


@pytest.mark.parametrize("rates", [np.nan, -850.0])
def test_factor_exposures(rates: float) -> None:
    check(charts.factor_exposures(exposures(rates=rates), "Exposures", SOURCE))


def stress() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scenario": ["up", "down", "rates_up_100bp", "odd", "lost"],
            "category": ["market", "market", "rates", "rotation", "rates"],
            "direct_pnl": [10.0, -12.0, -3.0, -5.0, np.nan],
            "correlated_pnl": [9.0, -11.0, 7.0, 6.0, np.nan],
            "plausibility_sigma": [1.0, 1.0, 2.0, 7.5, np.nan],
        }
    ).astype({"scenario": "str", "category": "str"})


def test_scenarios_are_sorted_by_the_headline() -> None:
    shown = charts.shown_scenarios(stress())
    assert shown["scenario"].tolist() == ["down", "rates_up_100bp", "odd", "up"]
    assert shown["headline"].tolist() == [-11.0, -3.0, 6.0, 9.0]


@pytest.mark.parametrize("total_value", [1_000.0, -5.0, np.nan])
def test_stress_scenarios(total_value: float) -> None:
    check(charts.stress_scenarios(stress(), total_value, "Stress", SOURCE))


@pytest.mark.parametrize("count", [1, 5, 40])
def test_correlation_heat_map(count: int) -> None:
    symbols = [f"S{i:02d}" for i in range(count)]
    matrix = np.corrcoef(np.random.default_rng(3).normal(size=(count, 200)) + 0.1).reshape(count, count)
    first, second = np.triu_indices(count)
    correlations = pd.DataFrame(
        {
            "symbol_1": np.array(symbols)[first],
            "symbol_2": np.array(symbols)[second],
            "correlation": matrix[first, second],
        }
    )
    correlations.loc[len(correlations) // 2, "correlation"] = np.nan
    clusters = pd.DataFrame(
        {
            "symbol": symbols,
            "cluster": [1 if i < 3 else i for i in range(count)],
            "nickname": "tech",
            "exposure": [-1.0 if i % 2 else 1.0 for i in range(count)],
        }
    )
    check(
        charts.correlation_heat_map(
            correlations=correlations, clusters=clusters, title="Correlations", source=SOURCE
        )
    )


def results() -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "window": ["a", "a", "b", "b"],
            "basket": ["one", "two", "one", "two"],
            "start": pd.Timestamp("2020-02-19"),
            "end": pd.Timestamp("2020-03-23"),
            "realised": [-0.31, 0.02, -0.2, np.nan],
            "predicted": [-0.33, -0.05, -0.18, np.nan],
            "specific_sigma": [0.01, 0.02, 0.01, np.nan],
            "original": [-1.9, -0.3, -1.05, np.nan],
        }
    )
    return rows.astype({"window": "str", "basket": "str"})


def test_predicted_against_realised() -> None:
    check(reality_charts.predicted_against_realised(results(), SOURCE))


def test_contribution_waterfall() -> None:
    contributions = pd.DataFrame(
        {
            "window": ["a"] * 3 + ["b"] * 3,
            "basket": "one",
            "factor": ["market", "growth", "specific"] * 2,
            "contribution": [-0.33, np.nan, 0.02, -0.18, np.nan, -0.02],
        }
    ).astype({"factor": "str"})
    check(
        reality_charts.contribution_waterfall(
            contributions=contributions, results=results(), basket="one", source=SOURCE
        )
    )


def test_nothing_to_show_is_still_a_chart() -> None:
    none = results().iloc[:0]
    for png in (
        charts.factor_exposures(exposures(rates=np.nan).iloc[:1], "Exposures", SOURCE),
        charts.stress_scenarios(stress().iloc[-1:], 1.0, "Stress", SOURCE),
        reality_charts.predicted_against_realised(none, SOURCE),
    ):
        size(png)


def test_the_same_rows_give_the_same_bytes() -> None:
    assert charts.stress_scenarios(stress(), 1e3, "S", SOURCE) == charts.stress_scenarios(
        stress(), 1e3, "S", SOURCE
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (money(-724_350), f"{MINUS}724k"),
        (money(1_728_055), "1.73M"),
        (money(12.4), "12"),
        (percent(-0.0001, 1), "0.0%"),
        (percent(-0.164), f"{MINUS}16.4%"),
    ],
)
def test_numbers_are_written_with_a_true_minus_and_no_negative_zero(text: str, expected: str) -> None:
    assert text == expected


def test_the_definitions_and_the_commands_do_not_import_matplotlib() -> None:
    code = (
        "import sys, sigmasight_dagster.definitions, sigmasight_core.report.charts, "
        "sigmasight_dagster.reports.results_page, sigmasight_dagster.reports.reality_page, "
        "sigmasight_dagster.commands.results.stress_reality; "
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.strip() == "False"
