"""What every row model shares: grain, roles and units of columns, the rule on NULLs, validation.

A row model is the one declaration of a table. From it come validation (here), the SQL table, Dagster's
column schema and lineage, the data dictionary, and by its `Facts` readiness, retention and staleness.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from sigmasight_core.conventions import OK
from sigmasight_core.errors import DataQualityError


class Grain(Enum):
    """The partition dimensions of a table."""

    DATE = ("date",)
    DATE_PORTFOLIO = ("date", "portfolio")
    UNPARTITIONED = ()

    def __new__(cls, *dimensions: str) -> "Grain":
        made = object.__new__(cls)
        made._value_ = dimensions  # Python before 3.11.4 makes an object of an empty tuple
        return made


class Kind(Enum):
    """Where the rows of a table come from."""

    RESULT = "computed from other tables, by an asset"
    SOURCE = "given by a provider, by way of an asset"
    LEDGER = "entered by users: shown as an asset, written by commands"
    CONFIGURED = "as settings and files say: kept when results are computed with it"
    SAVED = "kept by a command for later"
    OPERATIONS = "the warehouse's own books"
    WATCHED = "worked out for the rules of alerts, and stored nowhere"


class Seen(Enum):
    """Which rows a database role sees that was granted single portfolios."""

    OWN = "those of its portfolios"
    OWN_OR_NONE = "those of its portfolios, and those of no portfolio"
    OWN_OR_EVERYBODYS = "those of its portfolios, and those of everybody (portfolio '*')"
    PARENT = "those that belong to a row of the parent which it sees"
    ROLE = "those about itself"
    ALL = "all: they say the same to everybody"
    NOTHING = "none"


@dataclass(frozen=True)
class Readiness:
    """What the readiness of a portfolio reports of a table.

    :param value: column that it is for. :param item: and `part`: keys that name a result; '' = the whole.
    """

    calculation: str
    value: str
    item: str = ""
    part: str = ""


@dataclass(frozen=True)
class Facts:
    """What hangs on a table as a whole: `metadata = {"facts": Facts(...)}` in the Config of its row model.

    :param concerns: of a source, the column whose symbol a changed row is about; '' = everybody.
    :param detail: rows by position, pair or holding, which retention deletes when they are old.
    :param readiness: what readiness reports; None = see `readiness`, () = nothing: another table does.
    :param benchmark: rows beside the portfolio's benchmark: with another one they are no more published.
    :param weekly: daily operation computes it on a week's last session only (setting `correlations`).
    :param holdings: rows beside what the benchmark holds: with other holdings they are no more published.
    :param values_of: what every value is computed from, whatever it says itself (see `key`).
    :param seen: which rows a database role sees that was granted single portfolios; default: see `seen`.
    :param parent: table that its rows are parts of: the one whose key is its first key column.
    :param private: who has the role of readers in the database does not see it.
    :param packed: many rows a partition: stored as one row of arrays, which a view shows row by row.
    """

    kind: Kind = Kind.RESULT
    concerns: str = ""
    detail: bool = False
    readiness: tuple[Readiness, ...] | None = None
    benchmark: bool = False
    weekly: bool = False
    holdings: bool = False
    values_of: str = ""
    seen: Seen | None = None
    parent: str = ""
    private: bool = False
    packed: bool = False


def key(description: str, *, of: str = "", **checks: Any) -> Any:
    """A column of the primary key: never NULL.

    :param of: what the column is computed from, separated by blanks: `table.column` of an input of the asset
        or of a table that it publishes too, `table.*` for the column of the same name, or the name of another
        column of the row. What comes from configuration is not listed.
    """
    return pa.Field(description=description, metadata={"role": "key", "unit": "", "of": of}, **checks)


def label(
    description: str, *, of: str = "", nullable: bool = False, exact: bool = False, **checks: Any
) -> Any:
    """A descriptive column, not a measurement. `nullable` ones say in their description what NULL means.

    `exact` columns are NUMERIC in SQL (what a user typed in), other floats double precision. `of`: see `key`.
    """
    metadata = {"role": "label", "unit": "", "of": of, "exact": exact}
    return pa.Field(description=description, metadata=metadata, nullable=nullable, **checks)


def value(description: str, unit: str, *, of: str = "", alias: str | None = None, **checks: Any) -> Any:
    """A measured or computed column with its unit; NULL only in a row whose status says why.

    `of`: see `key`.
    """
    metadata = {"role": "value", "unit": unit, "of": of}
    return pa.Field(description=description, metadata=metadata, alias=alias, nullable=True, **checks)


def vector(description: str, unit: str, *, of: str = "") -> Any:
    """A value that is an array in single precision: `Series[object]`, in SQL float4[], where NaN is NULL."""
    metadata = {"role": "value", "unit": unit, "of": of, "vector": True}
    return pa.Field(description=description, metadata=metadata, nullable=True)


class Table(pa.DataFrameModel):
    """Base of the row models. Keys come first, in the order of declaration."""

    class Config:
        coerce = True
        strict = True


class DateTable(Table):
    """A table with one row per trading date and key."""

    date: Series[pd.Timestamp] = key("Trading date (NYSE session)")


class PortfolioTable(DateTable):
    """A table with one row per trading date, portfolio and key."""

    portfolio: Series[str] = key("Portfolio name")


class Audit(Table):
    """Columns that the warehouse adds to every row; left out when two runs are compared."""

    run_id: Series[str] = label("Dagster run that wrote the row, or the command")
    code_version: Series[str] = label("Version of the code that computed the row")
    computed_at: Series[pd.Timestamp] = label("When the row was written (UTC)")


def table_name(model: type[Table]) -> str:
    """The SQL table and Dagster asset name of a row model."""
    if not (name := model.to_schema().name):
        raise TypeError(f"{model.__name__} has no Config.name")
    return name


def columns_by_role(model: type[Table], role: str) -> list[str]:
    """Names of the columns with a role ('key', 'label', 'value'), in the order of declaration."""
    columns = model.to_schema().columns
    return [str(name) for name, column in columns.items() if (column.metadata or {}).get("role") == role]


def primary_key(model: type[Table]) -> list[str]:
    """Key columns of a row model: its grain first, then its own key."""
    return columns_by_role(model, "key")


def grain(model: type[Table]) -> Grain:
    """Partition dimensions of a row model, read from its leading key columns."""
    keys = tuple(primary_key(model))
    by_date = Grain.DATE if keys[:1] == Grain.DATE.value else Grain.UNPARTITIONED
    return Grain.DATE_PORTFOLIO if keys[:2] == Grain.DATE_PORTFOLIO.value else by_date


def facts(model: type[Table]) -> Facts:
    """What a row model says of its table as a whole."""
    return (getattr(model.Config, "metadata", None) or {}).get("facts", Facts())


def seen(model: type[Table]) -> Seen:
    """What a table says; else by its portfolios; without any all rows if by date or configured, or none."""
    said = facts(model)
    if said.private or said.seen or said.parent:
        return Seen.NOTHING if said.private else said.seen or Seen.PARENT
    whole = Seen.ALL if grain(model) is Grain.DATE or said.kind is Kind.CONFIGURED else Seen.NOTHING
    return Seen.OWN if "portfolio" in model.to_schema().columns else whole


def readiness(model: type[Table]) -> tuple[Readiness, ...]:
    """What is reported of a table: what it says; else of a portfolio's result its first value by its key."""
    said = facts(model).readiness
    if said is not None:
        return said
    if grain(model) is not Grain.DATE_PORTFOLIO or facts(model).kind is not Kind.RESULT:
        return ()
    named = primary_key(model)[len(grain(model).value) :][:2]
    return (Readiness(table_name(model).replace("_", " "), columns_by_role(model, "value")[0], *named),)


def computed_from(model: type[Table], column: str) -> tuple[str, ...]:
    """Names that a column says it is computed from, `*` replaced by its own name; none if it says nothing."""
    said = model.to_schema().columns[column].metadata or {}
    inherited = facts(model).values_of if said.get("role") == "value" else ""
    return tuple(name.replace("*", column) for name in (inherited or said.get("of", "")).split())


def validate(model: type[Table], frame: pd.DataFrame) -> pd.DataFrame:
    """Check rows against their row model and return them coerced, ordered by key and column.

    :param frame: rows with exactly the model's columns (an empty frame is legal).
    :raises DataQualityError: on a wrong type, broken bound, number not finite (NaN is NULL), duplicate key,
        or NULL where the status is ok. ``failures``: ``row`` (position), ``column``, ``check``, ``value``.
    """
    schema = model.to_schema()
    try:
        checked = schema.validate(frame.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        raise _quality_error(model, _failures(error)) from None
    checked = checked[list(schema.columns)]
    found = [*_duplicate_keys(model, checked), *_not_finite(checked), *_unexplained_nulls(model, checked)]
    if found:
        raise _quality_error(model, pd.concat(found))
    return checked.sort_values(primary_key(model), kind="stable", ignore_index=True)


def _failures(error: Any) -> pd.DataFrame:
    cases = error.failure_cases
    return pd.DataFrame(
        {
            "row": pd.to_numeric(cases["index"], errors="coerce"),
            "column": cases["column"].astype(str),
            "check": cases["check"].astype(str),
            "value": cases["failure_case"].astype(str),
        }
    )


def _duplicate_keys(model: type[Table], frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    keys = primary_key(model)
    duplicated = frame.duplicated(keys, keep=False).to_numpy()
    if not duplicated.any():
        return
    values = frame.loc[duplicated, keys].astype(str).to_numpy()
    yield pd.DataFrame(
        {
            "row": duplicated.nonzero()[0],
            "column": ", ".join(keys),
            "check": "unique key",
            "value": [" / ".join(row) for row in values],
        }
    )


def _not_finite(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    numbers = frame.loc[:, [pd.api.types.is_float_dtype(dtype) for dtype in frame.dtypes]]
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    rows, columns = np.isinf(values).nonzero()
    if not len(rows):
        return
    names, cells = numbers.columns[columns].astype(str), values[rows, columns].astype(str)
    yield pd.DataFrame({"row": rows, "column": names, "check": "a finite number", "value": cells})


def _unexplained_nulls(model: type[Table], frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    if "status" not in frame.columns:
        return
    values = columns_by_role(model, "value")
    missing = frame[values].isna().to_numpy() & (frame["status"] == OK).to_numpy()[:, None]
    rows, columns = missing.nonzero()
    if not len(rows):
        return
    yield pd.DataFrame(
        {"row": rows, "column": [values[c] for c in columns], "check": "NULL needs a status", "value": "NULL"}
    )


def _quality_error(model: type[Table], failures: pd.DataFrame) -> DataQualityError:
    first = failures.iloc[0]
    error = DataQualityError(
        f"{table_name(model)}: {len(failures)} values break the table's contract; first: row {first['row']}, "
        f"column {first['column']}, check '{first['check']}', value {first['value']}"
    )
    error.failures = failures.reset_index(drop=True)  # type: ignore[attr-defined]
    return error
