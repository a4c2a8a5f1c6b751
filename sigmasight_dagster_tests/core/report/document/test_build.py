"""The data object against the rows that it is built from, cell by cell."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from sigmasight_core.errors import InputError
from sigmasight_core.report.document.model import Metadata, report_type
from sigmasight_core.report.document.schema import ID, json_schema
from sigmasight_core.report.document.soundness import problems
from sigmasight_core.report.document.sources import CALCULATIONS, models
from sigmasight_core.report.document.stored import as_row, parse
from sigmasight_core.tables import (
    CorrelationSummary,
    FactorExposures,
    PortfolioSnapshots,
    PositionValues,
    StressResults,
    table_name,
)
from sigmasight_dagster_tests.support import report_rows
from sigmasight_dagster_tests.support.report_rows import DATE


@pytest.fixture(scope="module")
def rows() -> dict:
    return report_rows.sound()


@pytest.fixture(scope="module")
def report(rows: dict):
    return report_rows.report(rows)


def test_every_number_is_its_cell(rows: dict, report) -> None:
    document = json.loads(as_row(report)["document"])
    compared = 0
    for name, calculation in CALCULATIONS.items():
        engine = document["calculation_engines"][name]
        tables = {table_name(model) for source, model in models().items() if source in calculation.sources}
        assert (engine["data"] is not None) == engine["available"] == bool(tables)
        for table in tables:
            frame = report_rows.by_name(rows)[table]
            frame = frame[frame["date"] == frame["date"].max()]
            compared += compare(engine["data"][table], frame)
    compared += compare(document["snapshots"], rows[PortfolioSnapshots])
    assert compared > 1_500


def compare(written: list[dict], frame: pd.DataFrame) -> int:
    """Half a unit of the last decimal is the most that a written number may differ by."""
    assert len(written) == len(frame)
    for name in (name for name in frame.columns if written and name in written[0]):
        for cell, text in zip(frame[name], [row[name] for row in written], strict=True):
            if pd.isna(cell):
                assert text is None, name
            elif isinstance(cell, float):
                digits = len(text.partition(".")[2])
                assert abs(float(text) - cell) <= 0.5000001 * 10.0**-digits + abs(cell) * 1e-15, name
            elif isinstance(cell, pd.Timestamp):
                assert text == f"{cell:%Y-%m-%d}"
            else:
                assert text == cell
    return frame.size


def test_positions_are_told_as_their_tables_tell_them(rows: dict, report) -> None:
    values = rows[PositionValues].set_index("position_id")
    for position in report.positions:
        row = values.loc[position.position_id]
        assert position.exit_date is None  # that is after the date of the report
        assert position.tags == row["tags"].replace(",", ";")
        total = row["unrealized_pnl"] + row["realized_pnl"]
        assert position.total_pnl is None if np.isnan(total) else position.total_pnl == f"{total:.2f}"
    assert report.positions_summary.total == len(values)


def test_a_stored_report_is_read_back_with_its_moments(report) -> None:
    moment = pd.Timestamp("2023-01-03 21:15:01.25", tz="UTC")
    again = parse(str(as_row(report)["document"]), moment, moment)
    assert again.metadata.generated_at == "2023-01-03T21:15:01.250Z"
    assert again.model_copy(update={"metadata": report.metadata}) == report
    with pytest.raises(InputError, match="run the date again"):
        parse(str(as_row(report)["document"]).replace('"snapshots"', '"snapshot"'))


def test_it_is_sound_and_says_what_is_not(rows: dict, report) -> None:
    assert problems(report) == []
    twice = rows | {FactorExposures: pd.concat([rows[FactorExposures]] * 2, ignore_index=True)}
    assert any("is there 2 times" in line for line in problems(report_rows.report(twice)))
    miscounted = rows | {PortfolioSnapshots: rows[PortfolioSnapshots].assign(n_long=9)}
    assert any("the snapshot counts" in line for line in problems(report_rows.report(miscounted)))


def test_who_is_not_levered_cannot_lose_more_than_there_is(rows: dict) -> None:
    counts = {"n_long": 6, "n_short": 0, "n_options": 0, "n_positions": 6, "gross_exposure": 1_000.0}
    held = rows | {
        PositionValues: rows[PositionValues].assign(position_type="LONG"),
        PortfolioSnapshots: rows[PortfolioSnapshots].assign(**counts),
        StressResults: rows[StressResults].assign(direct_pnl=-999.0, correlated_pnl=-1_000.0),
    }
    assert problems(report_rows.report(held)) == []
    held[StressResults] = held[StressResults].assign(direct_pnl=-1_000.02)
    assert any("more than the gross exposure" in line for line in problems(report_rows.report(held)))


def test_a_section_is_there_exactly_when_its_calculation_is(rows: dict) -> None:
    empty = rows | {CorrelationSummary: rows[CorrelationSummary].iloc[:0]}
    found = report_rows.report(empty)
    engine = found.engine("correlation_analysis")
    assert (engine.available, engine.status) == (False, "no rows: nothing of it is held")
    assert problems(found) == []
    older = rows[CorrelationSummary].assign(date=DATE - pd.Timedelta(days=5))
    found = report_rows.report(rows | {CorrelationSummary: older})
    assert found.engine("correlation_analysis").as_of == "2022-12-23"


def test_what_changed_since_the_report_before(rows: dict, report) -> None:
    before = json.loads(str(as_row(report)["document"]))
    before["metadata"]["report_date"] = "2022-12-27"
    before["positions"][0]["position_id"] = "GONE@2022-01-05"
    found = report_rows.report(rows, before).changes
    assert found is not None
    assert (found.previous_date, found.closed) == ("2022-12-27", ["GONE@2022-01-05"])
    assert found.opened == [report.positions[0].position_id]
    assert all(number.before == number.now for number in found.numbers)
    assert not any(number.item == "crash_replayed" for number in found.numbers)


def test_the_schema_has_a_version_and_knows_every_key(report) -> None:
    schema = json.loads(json_schema())
    assert schema["$id"] == ID
    assert re.search(r":\d+\.\d+$", ID)
    assert set(schema["required"]) <= set(report.model_dump())
    with pytest.raises(ValidationError):
        report_type().model_validate(report.model_dump() | {"surplus": 1})
    assert Metadata.model_fields["precision_policy"].default.decimals["money"] == 2
