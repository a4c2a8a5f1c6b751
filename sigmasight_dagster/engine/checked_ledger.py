"""The stored ledger, checked before it becomes numbers."""

import pandas as pd

from sigmasight_core.errors import DataQualityError, LedgerError
from sigmasight_core.tables import Positions, validate


def checked_ledger(positions: pd.DataFrame) -> pd.DataFrame:
    """Stored positions, checked: a hand-edited ledger must not become numbers.

    :raises LedgerError: names the first offending position and every portfolio concerned.
    """
    try:
        return validate(Positions, positions)
    except DataQualityError as error:
        failures: pd.DataFrame = error.failures  # type: ignore[attr-defined]
        bad = positions.iloc[failures["row"].dropna().astype(int).unique()]
        if bad.empty:
            raise
        first, check = bad.iloc[0], failures.iloc[0]
        raise LedgerError(
            f"position {first['position_id']} of portfolio {first['portfolio']}: {check['check']} "
            f"({check['column']}: {check['value']}): import the portfolio again with --replace",
            sorted(bad["portfolio"].unique()),
        ) from error
