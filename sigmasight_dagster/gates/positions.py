"""Gates on positions: every one priced, Greeks that another library agrees with."""

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.options import audit, occ
from sigmasight_core.options.american import audit as american_audit
from sigmasight_core.options.exercise import AMERICAN
from sigmasight_core.options.parameters import ESCROWED
from sigmasight_core.tables import PositionGreeks, PositionValues
from sigmasight_dagster.engine.declaration import Gate, GateResult

AUDIT_ROWS_PER_PARTITION = 2
AMERICAN_AUDIT_ROWS = 200
"""Of all partitions together, spread evenly: the lattice takes 2 ms a row."""


def _positions_are_priced(values: pd.DataFrame) -> GateResult:
    unpriced = values[values["price"].isna()]
    stale = values[values["price_age_days"].fillna(0) > 0]
    return GateResult(
        passed=unpriced.empty and stale.empty,
        metadata={
            "rows": len(values),
            "unpriced_rows": len(unpriced),
            "stale_rows": len(stale),
            "unpriced_symbols": ", ".join(sorted(unpriced["symbol"].unique())[:20]),
        },
    )


def _sample(greeks: pd.DataFrame) -> pd.DataFrame:
    """Some live options of each partition, with `row`, their place in all rows, and `is_call`.

    Both second opinions know a yield only: what is priced by dividends in cash is held in the tests instead.
    """
    options = greeks.rename_axis("row").reset_index().query("status == 'ok'")
    options = options[~_in_cash(options)]
    sample = options.groupby(["date", "portfolio"]).head(AUDIT_ROWS_PER_PARTITION)
    contracts = occ.parse_occ(sample["position_id"].str.split("@").str[0])
    return sample.assign(is_call=contracts["is_call"])


def _in_cash(greeks: pd.DataFrame) -> "pd.Series[bool]":
    return greeks["dividend_yield_source"].str.startswith(f"{ESCROWED}: ")


def _nothing(style: str, in_cash: int) -> GateResult:
    reason = f"no live {style} option by a dividend yield in these partitions"
    return GateResult(
        True, {"rows_audited": 0, "reason": reason, "rows_not_audited_of_cash_dividends": in_cash}
    )


def _verdict(
    sample: pd.DataFrame, found: pd.DataFrame, measure: str, tolerance: float, in_cash: int
) -> GateResult:
    """Whether the second opinion agrees.

    :param found: rows of an audit of the sample, in its order. :param measure: its column of differences.
    """
    audited = (found["status"] == OK).to_numpy()
    differences = found[measure].to_numpy(dtype=float)
    bad = audited & ~(differences <= tolerance)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows_audited": int(audited.sum()),
            f"largest_{measure}": float(differences[audited].max(initial=0.0)),
            "tolerance": tolerance,
            "bad_rows": int(bad.sum()),
            "rows_not_audited_of_cash_dividends": in_cash,
        },
        rows=sample["row"].to_numpy()[bad].tolist(),
    )


def _american_greeks_agree_with_the_lattice(greeks: pd.DataFrame) -> GateResult:
    rows = greeks[(greeks["exercise_style"] == AMERICAN).to_numpy()]
    in_cash = int(_in_cash(rows).sum())
    sample = _sample(rows)
    sample = sample.drop_duplicates([*american_audit.INPUTS, "is_call", *american_audit.GREEKS])
    if sample.empty:
        return _nothing("American", in_cash)
    chosen = np.unique(np.linspace(0, len(sample) - 1, AMERICAN_AUDIT_ROWS).astype(int))
    sample = sample.iloc[chosen]
    found = american_audit.audit_american_greeks(sample)
    return _verdict(sample, found, "difference", american_audit.TOLERANCE, in_cash)


def _greeks_agree_with_mibian(greeks: pd.DataFrame) -> GateResult:
    rows = greeks[(greeks["exercise_style"] != AMERICAN).to_numpy()]
    in_cash = int(_in_cash(rows).sum())
    sample = _sample(rows)
    if sample.empty:
        return _nothing("European", in_cash)
    try:
        found = audit.audit_greeks(sample)
    except audit.AuditorMissingError as error:
        return GateResult(False, {"rows_audited": 0, "reason": str(error)}, inconclusive=True)
    return _verdict(sample, found, "relative_difference", audit.TOLERANCE, in_cash)


POSITIONS_ARE_PRICED = Gate(
    "positions_are_priced",
    "Every position has a price of its own session; unpriced ones are NULL with a status",
    PositionValues,
    _positions_are_priced,
)
GREEKS_AGREE_WITH_MIBIAN = Gate(
    "greeks_agree_with_mibian",
    "A sample of each partition's European options, computed again by mibian, differs by less than 1e-8",
    PositionGreeks,
    _greeks_agree_with_mibian,
    blocking=True,
)
AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE = Gate(
    "american_greeks_agree_with_the_lattice",
    "A sample of the American options, computed again on a binomial lattice, differs by less than 1.5% of "
    "the natural size of delta, theta and vega",
    PositionGreeks,
    _american_greeks_agree_with_the_lattice,
    blocking=True,
)
