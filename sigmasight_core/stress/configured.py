"""Scenarios as rows: what the files say, for those who read results and not files."""

import json
from collections.abc import Sequence

import pandas as pd

from sigmasight_core.stress.scenarios import BASIS_POINTS, Scenario
from sigmasight_core.tables.portfolio.configured import Scenarios


def scenario_rows(scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Rows of tables.Scenarios, all of them active."""
    rows = [
        {
            "scenario": one.id,
            "name": one.name,
            "description": one.description or in_words(one),
            "category": one.category,
            "severity": one.severity,
            "basis": one.basis,
            "shocks": json.dumps({s.factor: {"value": s.value, "unit": s.unit} for s in one.shocks}),
            "provenance": one.provenance.source if one.provenance else "",
            "period_start_date": one.provenance.start if one.provenance else None,
            "period_end_date": one.provenance.end if one.provenance else None,
            "comparison": "yes" if one.comparison else "no",
            "active": "yes",
            "source": one.source,
        }
        for one in scenarios
    ]
    return pd.DataFrame(rows, columns=list(Scenarios.to_schema().columns))


def in_words(scenario: Scenario) -> str:
    """'market -20%, rates -85 basis points'."""
    units = {BASIS_POINTS: " basis points"}
    return ", ".join(f"{s.factor} {s.value:+g}{units.get(s.unit, '%')}" for s in scenario.shocks)
