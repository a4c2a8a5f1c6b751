"""An independent opinion on the Greeks: a sample of rows recomputed one by one with mibian.

mibian (Yassine Maaroufi, 2011) is licensed under the GPL, version 3. This is the only module that imports
it, only when an audit runs, and nothing is computed from it: the project runs without it.

mibian takes rates and volatilities in percent and days to expiry (Act/365). Its `Me` takes the yearly
dividend *amount*, which it divides by the spot to a continuous yield; `BS` has no dividends. Both report
theta per calendar day, vega per volatility point and rho per percentage point: the units of `black_scholes`.
They fail at 0 days and ignore a volatility of 0: such rows are not audited, and say so.
"""

import math
from types import ModuleType
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtr

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Floats
from sigmasight_core.conventions import DAYS_PER_YEAR, OK
from sigmasight_core.errors import InputError, SigmaSightError

GREEKS: Final = ("delta", "gamma", "theta", "vega", "rho")
INPUTS: Final = (
    "underlying_price",
    "strike",
    "days_to_expiry",
    "implied_volatility",
    "risk_free_rate",
    "dividend_yield",
)

TOLERANCE: Final = 1e-8
"""Largest relative difference that is rounding: a larger one is a defect."""

_FLOOR: Final = 1e-6
"""Below this share of its natural scale a value is compared in absolute terms (of that share)."""


class AuditorMissingError(SigmaSightError):
    """mibian is not installed, so that nothing can be audited."""


def audit_greeks(sample: pd.DataFrame) -> pd.DataFrame:
    """Compare Greeks with mibian's, row by row.

    :param sample: option rows (n,) with the columns of `INPUTS` in the units of tables.PositionGreeks,
        `is_call`, the per-share Greeks of `GREEKS` and, optionally, `price`. Keep it small: mibian takes
        about a millisecond for a row.
    :returns: a frame with the sample's index: `relative_difference`, the largest |ours - mibian's| /
        max(|mibian's|, floor) over the values, `worst`, the name of the value that has it, and `status`: ok,
        or why the row was not audited (difference NaN, worst empty). The floor is a millionth of the natural
        scale: 1 for delta, 1 / spot for gamma, spot for the price, spot / 365 for theta, spot / 100 for vega
        and rho. A value of ours that is missing differs by infinity. More than `TOLERANCE` is a defect.
    :raises InputError: if a column is missing.
    :raises AuditorMissingError: if mibian is not installed.
    """
    names = [*GREEKS, *(["price"] if "price" in sample.columns else [])]
    absent = [name for name in (*INPUTS, "is_call", *names) if name not in sample.columns]
    if absent:
        raise InputError(f"the sample of Greeks has no column {', '.join(absent)}; add it")
    mibian = _mibian()
    inputs = np.column_stack([as_floats(sample[name]) for name in INPUTS])
    calls = as_calls(sample["is_call"])
    status = _status(inputs, calls)
    audited = status == OK
    rows = zip(inputs[audited].tolist(), calls[audited] == 1.0, strict=True)
    reference = np.array([_reference(mibian, row, call, names) for row, call in rows]).reshape(-1, len(names))
    ours = np.column_stack([as_floats(sample[name]) for name in names])[audited]
    differences = _relative(ours, reference, inputs[audited, 0], names)

    result = pd.DataFrame({"relative_difference": np.nan, "worst": "", "status": status}, index=sample.index)
    if audited.any():
        result.loc[audited, "relative_difference"] = differences.max(axis=1)
        result.loc[audited, "worst"] = np.array(names, dtype=object)[differences.argmax(axis=1)]
    return result.astype({"worst": "str", "status": "str"})


def _mibian() -> ModuleType:
    try:
        import mibian  # noqa: PLC0415 GPL: in this function alone, so that all else runs without it
    except ImportError:
        raise AuditorMissingError("mibian is not installed; install it to audit the Greeks") from None
    mibian.norm = _Normal
    return mibian


class _Normal:
    """`scipy.stats.norm` for plain numbers: its care for arrays is most of the time that mibian takes."""

    @staticmethod
    def cdf(x: float) -> float:
        return float(ndtr(x))

    @staticmethod
    def pdf(x: float) -> float:
        return math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _status(inputs: Floats, calls: Floats) -> Any:
    spot, strike, days, volatility = inputs.T[:4]
    reasons = [
        ~np.isfinite(inputs).all(axis=1) | np.isnan(calls),
        (spot <= 0) | (strike <= 0) | (volatility < 0),
        days <= 0,
        volatility == 0,
    ]
    texts = ["not audited: an input is missing", "not audited: an input is impossible"]
    texts += ["not audited: expired", "not audited: no volatility"]
    return np.select(reasons, texts, default=OK)


def _reference(mibian: ModuleType, row: list[float], is_call: bool, names: list[str]) -> list[float]:
    spot, strike, days, volatility, rate, dividend_yield = row
    if dividend_yield == 0:
        model = mibian.BS([spot, strike, 100 * rate, days], volatility=100 * volatility)
    else:
        dividend = dividend_yield * spot
        model = mibian.Me([spot, strike, 100 * rate, dividend, days], volatility=100 * volatility)
    side = "call" if is_call else "put"
    return [
        float(getattr(model, name if name in ("gamma", "vega") else side + name.title())) for name in names
    ]


def _relative(ours: Floats, reference: Floats, spot: Floats, names: list[str]) -> Floats:
    scales = {
        "price": spot,
        "delta": np.ones_like(spot),
        "gamma": 1 / spot,
        "theta": spot / DAYS_PER_YEAR,
        "vega": spot / 100,
        "rho": spot / 100,
    }
    floor = _FLOOR * np.column_stack([scales[name] for name in names])
    differences = np.abs(ours - reference) / np.maximum(np.abs(reference), floor)
    return np.where(np.isnan(differences), np.inf, differences)
