"""The stored ledger, checked before it becomes numbers."""

from collections.abc import Sequence

import pandas as pd

from sigmasight_core.errors import DataQualityError, LedgerError
from sigmasight_core.tables import Positions, validate
from sigmasight_dagster.warehouse.errors import unknown_portfolio


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


def require_registered(portfolios: Sequence[str], registered: Sequence[str]) -> None:
    """Refuse names that no import has made: without positions they would compute to zeros that look well.

    Dagster takes any name as a partition: the UI can add one by hand, and a removed portfolio leaves its own.

    :raises LedgerError: names the first unknown portfolio, and holds all of them.
    """
    unknown = sorted(set(portfolios).difference(registered))
    if unknown:
        raise LedgerError(str(unknown_portfolio(unknown[0], registered)), unknown)
