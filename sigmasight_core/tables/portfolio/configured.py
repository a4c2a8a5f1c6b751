"""What is configured: the scenarios and factors of the results. Not partitioned."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Table, key, label

YES_NO = ("yes", "no")


class Scenarios(Table):
    """One stress scenario, as its file says; written when stress results are computed.

    A scenario that is in no file any more stays, for the results that there are of it: `active` says no.
    """

    scenario: Series[str] = key("Scenario id")
    name: Series[str] = label("Name")
    description: Series[str] = label("What happens; where the file does not say, the shocks in words")
    category: Series[str] = label("market, rates, rotation, volatility or historical")
    severity: Series[str] = label("mild, moderate, severe or extreme")
    basis: Series[str] = label("What a shock is the whole of: total_return, dividends included")
    shocks: Series[str] = label(
        'JSON: {"market": {"value": -20, "unit": "percent"}, ...}; rates in basis_points'
    )
    provenance: Series[str] = label("Where the numbers come from; empty = not said: hypothetical")
    period_start_date: Series[pd.Timestamp] = label(
        "First date of the period that it replays; NULL = no replay", nullable=True
    )
    period_end_date: Series[pd.Timestamp] = label(
        "Last date of the period that it replays; NULL = no replay", nullable=True
    )
    comparison: Series[str] = label(
        "yes: kept for comparison alone, what it assumes never happened; leave it out of worst cases",
        isin=YES_NO,
    )
    active: Series[str] = label("yes: computed; no: in no scenario file any more", isin=YES_NO)
    source: Series[str] = label("File that it is written in")

    class Config:
        name = "scenarios"
        metadata = {"facts": Facts(kind=Kind.CONFIGURED)}


class Factors(Table):
    """One factor of the model, as it is configured; written when factor returns are computed.

    A factor that is configured no more stays, for the results that there are of it: `active` says no.
    """

    factor: Series[str] = key("Factor id")
    position: Series[int] = label("Place in the order of the factors, from 1", ge=1)
    kind: Series[str] = label("market, style or rates", isin=("market", "style", "rates"))
    description: Series[str] = label("What it is, and what its beta is per")
    proxy: Series[str] = label("Symbol or yield series that stands for it; empty = unavailable")
    unit: Series[str] = label("Unit of its moves: log return, or percentage points")
    prior_mean: Series[float] = label("Mean of the prior of betas, per unit of the move")
    prior_std: Series[float] = label("Standard deviation of the prior of betas", gt=0)
    active: Series[str] = label("yes: in the model; no: not any more", isin=YES_NO)

    class Config:
        name = "factors"
        metadata = {"facts": Facts(kind=Kind.CONFIGURED)}
