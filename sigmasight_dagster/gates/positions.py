"""Gates on positions: every one priced, Greeks that another library agrees with."""

import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.options import audit, occ
from sigmasight_core.tables import PositionGreeks, PositionValues
from sigmasight_dagster.engine.declaration import Gate, GateResult

AUDIT_ROWS_PER_PARTITION = 2


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


def _greeks_agree_with_mibian(greeks: pd.DataFrame) -> GateResult:
    options = greeks.reset_index(names="row").query("status == 'ok'")
    sample = options.groupby(["date", "portfolio"]).head(AUDIT_ROWS_PER_PARTITION)
    if sample.empty:
        return GateResult(True, {"rows_audited": 0, "reason": "no live option in these partitions"})
    contracts = occ.parse_occ(sample["position_id"].str.partition("@")[0])
    try:
        audited_rows = audit.audit_greeks(sample.assign(is_call=contracts["is_call"]))
    except audit.AuditorMissingError as error:
        return GateResult(False, {"rows_audited": 0, "reason": str(error)}, inconclusive=True)
    audited = (audited_rows["status"] == OK).to_numpy()
    differences = audited_rows["relative_difference"].to_numpy(dtype=float)
    bad = audited & ~(differences <= audit.TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows_audited": int(audited.sum()),
            "largest_relative_difference": float(differences[audited].max(initial=0.0)),
            "tolerance": audit.TOLERANCE,
            "bad_rows": int(bad.sum()),
        },
        rows=sample["row"].to_numpy()[bad].tolist(),
    )


POSITIONS_ARE_PRICED = Gate(
    "positions_are_priced",
    "Every position has a price of its own session; unpriced ones are NULL with a status",
    PositionValues,
    _positions_are_priced,
)
GREEKS_AGREE_WITH_MIBIAN = Gate(
    "greeks_agree_with_mibian",
    "A sample of each partition's options, computed again by mibian, differs by less than 1e-8",
    PositionGreeks,
    _greeks_agree_with_mibian,
    blocking=True,
)
