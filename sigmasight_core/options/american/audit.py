"""A second opinion on the Greeks of American options: the binomial lattice, which knows no boundary.

The lattice (`lattice`) is itself within 1e-4 of the strike of the price; by its differences 99% of deltas
are within .002, the worst of 3,000 random contracts (1 day to 5 years, volatility 3% to 150%) within .013.
It says too little of gamma, which jumps at the boundary, and of rho. So delta, theta and vega are compared,
each over its natural size: 1, spot x volatility / sqrt(years) / 365, and spot x sqrt(years) / 100.
"""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import DAYS_PER_YEAR, OK
from sigmasight_core.errors import InputError
from sigmasight_core.options.american.lattice import Contracts, lattice_values
from sigmasight_core.options.american.pricing import two_boundaries

GREEKS: Final = ("delta", "theta", "vega")
INPUTS: Final = (
    "underlying_price",
    "strike",
    "days_to_expiry",
    "risk_free_rate",
    "dividend_yield",
    "implied_volatility",
)
TOLERANCE: Final = 0.015
"""More than the lattice's own error. European Greeks of a deep put or a payer's call are off by .05 to .2."""


def audit_american_greeks(sample: pd.DataFrame) -> pd.DataFrame:
    """Compare Greeks of American options with the lattice's; about 2 ms a row.

    :param sample: option rows (n,) with the columns of `INPUTS` in the units of tables.PositionGreeks,
        `is_call` and the per-share Greeks of `GREEKS`.
    :returns: a frame with the sample's index: `difference`, the largest over the Greeks as a share of its
        natural size, `worst`, the name of the Greek that has it, and `status`: ok, or why the row was not
        audited (difference NaN, worst empty). A value of ours that is missing differs by infinity. More than
        `TOLERANCE` is a defect.
    :raises InputError: if a column is missing.
    """
    absent = [name for name in (*INPUTS, "is_call", *GREEKS) if name not in sample.columns]
    if absent:
        raise InputError(f"the sample of Greeks has no column {', '.join(absent)}; add it")
    spot, strike, days, rate, dividend_yield, volatility = (as_floats(sample[name]) for name in INPUTS)
    years, call = days / DAYS_PER_YEAR, as_calls(sample["is_call"])
    contracts = Contracts(spot, strike, years, rate, dividend_yield, volatility, call)
    status = _status(contracts)
    audited = status == OK
    result = pd.DataFrame({"difference": np.nan, "worst": "", "status": status}, index=sample.index)
    if audited.any():
        differences = _differences(sample[audited], Contracts(*(values[audited] for values in contracts)))
        result.loc[audited, "difference"] = differences.max(axis=1)
        result.loc[audited, "worst"] = np.array(GREEKS, dtype=object)[differences.argmax(axis=1)]
    return result.astype({"worst": "str", "status": "str"})


def _status(contracts: Contracts) -> np.ndarray:
    reasons: list[Bools] = [
        ~np.isfinite(sum(contracts)),
        (contracts.spot <= 0) | (contracts.strike <= 0) | (contracts.volatility < 0),
        contracts.years <= 0,
        contracts.volatility == 0,
        two_boundaries(*contracts[2:]),
    ]
    texts = ["an input is missing", "an input is impossible", "expired", "no volatility"]
    texts = [f"not audited: {text}" for text in (*texts, "it is priced by the lattice itself")]
    return np.asarray(np.select(reasons, texts, default=OK), dtype=object)


def _differences(sample: pd.DataFrame, contracts: Contracts) -> Floats:
    with np.errstate(all="ignore"):
        reference = lattice_values(contracts)
    root, spot = np.sqrt(contracts.years), contracts.spot
    sizes = {
        "delta": np.ones_like(spot),
        "theta": spot * contracts.volatility / root / DAYS_PER_YEAR,
        "vega": spot * root / 100,
    }
    columns = [np.abs(as_floats(sample[name]) - getattr(reference, name)) / sizes[name] for name in GREEKS]
    differences = np.column_stack(columns)
    return np.where(np.isnan(differences), np.inf, differences)
