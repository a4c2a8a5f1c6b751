"""No table takes a number that is not finite: every float column of every row model, and the message."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import DataQualityError
from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Positions,
    RealizedVolatility,
    Table,
    TreasuryYields,
    table_name,
    validate,
)

AN_OPTION = {"position_type": "LC", "multiplier": 100}
DAY = pd.Timestamp("2024-01-12")


def example(column: Any) -> Any:
    """A value that the column's own bounds allow."""
    allowed = next(
        (check.statistics["allowed_values"] for check in column.checks if check.name == "isin"), None
    )
    if allowed is not None:
        return next(iter(allowed))
    kind = str(column.dtype).lower()
    if "datetime" in kind:
        return DAY.tz_localize("UTC") if "utc" in kind else DAY
    if "bool" in kind:
        return True
    negative = any(
        check.name == "less_than_or_equal_to" and check.statistics["max_value"] < 1 for check in column.checks
    )
    return (-1 if negative else 1) if "int" in kind or "float" in kind else "a"


FLOATS = [
    (model, str(name))
    for model in (*TABLES, *OPERATIONS_TABLES)
    for name, column in model.to_schema().columns.items()
    if "float" in str(column.dtype).lower()
]


@pytest.mark.parametrize(("model", "name"), FLOATS, ids=[f"{table_name(m)}.{n}" for m, n in FLOATS])
@pytest.mark.parametrize("number", [np.inf, -np.inf])
def test_every_float_column_of_every_table_refuses_it(model: type[Table], name: str, number: float) -> None:
    row = {str(key): example(column) for key, column in model.to_schema().columns.items()}
    good = pd.DataFrame([row | AN_OPTION]) if model is Positions else pd.DataFrame([row])
    validate(model, good)
    with pytest.raises(DataQualityError) as told:
        validate(model, good.assign(**{name: number}))
    assert name in told.value.failures["column"].tolist()  # type: ignore[attr-defined]


def yields(*percent: float | None) -> pd.DataFrame:
    days = pd.bdate_range("2024-01-02", periods=len(percent)).as_unit("ns")
    missing = [value is None or np.isnan(value) for value in percent]
    status = np.where(missing, "no yield", "ok")
    return pd.DataFrame(
        {"date": days, "series": "10Y", "yield_percent": percent, "source": "test", "status": status}
    )


def test_the_message_names_row_column_and_value() -> None:
    with pytest.raises(DataQualityError) as told:
        validate(TreasuryYields, yields(4.0, -np.inf, 4.1, np.inf))
    assert str(told.value) == (
        "treasury_yields: 2 values break the table's contract; first: row 1, column yield_percent, "
        "check 'a finite number', value -inf"
    )
    failures = told.value.failures  # type: ignore[attr-defined]
    assert failures[["row", "value"]].to_numpy().tolist() == [[1, "-inf"], [3, "inf"]]


def test_a_status_does_not_excuse_it() -> None:
    row = {"date": DAY, "symbol": "A", "annualized_volatility": np.inf, "n_obs": 3, "status": "insufficient"}
    with pytest.raises(DataQualityError, match=r"row 0, column annualized_volatility, .* value inf"):
        validate(RealizedVolatility, pd.DataFrame([row]))


def test_what_is_missing_and_the_largest_numbers_stay() -> None:
    largest = np.finfo(float).max
    kept = validate(TreasuryYields, yields(np.nan, None, largest, -largest))["yield_percent"]
    assert kept.isna().tolist() == [True, True, False, False]
    assert kept.tolist()[2:] == [largest, -largest]
    assert validate(TreasuryYields, yields()).empty
