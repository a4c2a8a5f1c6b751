"""The data object of a report: its keys, their types and meaning. Its JSON Schema is published from here."""

from functools import cache
from typing import Any, Final, Literal

from pydantic import Field, create_model

from sigmasight_core.report.document import precision
from sigmasight_core.report.document.positions import Position, PositionsSummary
from sigmasight_core.report.document.rows import Day, Decimal, Row, Strict, kept, row_type, unit
from sigmasight_core.report.document.sources import CALCULATIONS, Calculation, models
from sigmasight_core.tables import PortfolioReturns, PortfolioSnapshots, Table, table_name

VERSION: Final = "1.0"
"""Raised with every key that is added (second number), or taken away or changed (first)."""
RETURN_DAY: Final = ("date", "total_value", "daily_return", "twr_itd", "drawdown", "benchmark_return")
"""Columns of the past returns in a report."""
MONTH: Final = ("date", "twr_mtd")
"""Of the last session of each month that is published."""


class PrecisionPolicy(Strict):
    """How numbers are written."""

    decimals: dict[str, int] = precision.POLICY
    note: str = precision.NOTE


class Metadata(Strict):
    """Of what, of when and by what the report is."""

    portfolio: str
    report_date: Day
    anchor_date: Day = Field(description="Session of the snapshot that everything else stands beside")
    generated_at: str | None = Field(
        None, description="When the report was made (UTC); null in the table, which has computed_at"
    )
    data_known_at: str | None = Field(
        None, description="Whatever was known until then is in it: when the first of its tables was computed"
    )
    precision_policy: PrecisionPolicy = PrecisionPolicy()
    code_version: str


class Portfolio(Strict):
    """The portfolio as registered."""

    name: str
    source: str = Field(description="File that it was imported from")
    currency: Literal["USD"] = "USD"
    margin: bool = Field(description="Whether its cash may be a debt")
    benchmark: str | None = Field(description="Symbol that its returns stand beside")


class Availability(Strict):
    """What one calculation can say, and one reason why not; see `n` for how many results it has."""

    calculation: str
    n: int
    n_ok: int
    n_reserved: int = Field(description="With a value and a reservation: partial, stale")
    n_missing: int
    reason: str = Field(description="Status of n_rows of them; empty = none has a reservation")
    n_rows: int
    has_value: bool = Field(description="Whether the value is there all the same")
    items: list[str] = Field(description="Whom it concerns; empty = all")
    parts: list[str]


class Change(Strict):
    """One number of the report before this one, and of this one; both are cells of their own date."""

    table: str
    item: str
    column: str
    unit: str
    before: Decimal | None
    now: Decimal | None


class Changes(Strict):
    """What is not as in the report before."""

    previous_date: Day
    numbers: list[Change]
    opened: list[str]
    closed: list[str]


class Engine(Strict):
    """One calculation; `data` is there exactly when it is available."""

    available: bool
    status: str = Field(description="ok, 'partial: ...', or why it is not available")
    as_of: Day | None
    units: dict[str, str] = Field(description="Unit by 'table.column'")
    description: str
    count: int = Field(description="Rows of its first table")


class ReportBase(Strict):
    """The report of one portfolio on one date."""

    version: Literal["1.0"] = "1.0"
    metadata: Metadata
    portfolio: Portfolio
    calculation_engines: Any
    positions_summary: PositionsSummary
    positions: list[Position]
    snapshots: list[Any]
    past_returns: list[Any]
    months: list[Any]
    comparison_scenarios: list[str] = Field(
        description="Scenarios of stress_results kept for comparison alone: never the worst nor the best"
    )
    changes: Changes | None
    data_availability: list[Availability]

    def engine(self, name: str) -> Engine:
        """One calculation."""
        return getattr(self.calculation_engines, name)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, as written; none where its calculation is not available."""
        for name, calculation in CALCULATIONS.items():
            if table in (source.table for source in calculation.sources):
                data = getattr(self.engine(name), "data", None)
                return [row.model_dump() for row in getattr(data, table, None) or ()]
        raise LookupError(f"no table {table} in a report")


@cache
def report_type() -> type[ReportBase]:
    """The type of a report, with a type for the rows of each table that this project has."""
    known = {source.table: model for source, model in models().items()}
    engines: dict[str, Any] = {name: (_engine(name, what, known), ...) for name, what in CALCULATIONS.items()}
    fields: dict[str, Any] = {
        "calculation_engines": (create_model("CalculationEngines", __base__=Strict, **engines), ...),
        "snapshots": (list[row_type(PortfolioSnapshots)], ...),  # type: ignore[misc]
        "past_returns": (list[past_type("ReturnDay", RETURN_DAY)], ...),  # type: ignore[misc]
        "months": (list[past_type("Month", MONTH)], ...),  # type: ignore[misc]
    }
    return create_model("Report", __base__=ReportBase, __doc__=ReportBase.__doc__, **fields)


def _engine(name: str, calculation: Calculation, known: dict[str, type[Table]]) -> type[Engine]:
    title = name.title().replace("_", "")
    tables: dict[str, Any] = {
        source.table: (list[row_type(known[source.table])], ...)  # type: ignore[misc]
        for source in calculation.sources
        if source.table in known
    }
    data = create_model(f"{title}Data", __base__=Strict, **tables)
    of_data: dict[str, Any] = {"data": (data | None, ...)}
    return create_model(title, __base__=Engine, __doc__=calculation.description, **of_data)


@cache
def past_type(name: str, columns: tuple[str, ...]) -> type[Strict]:
    """Some columns of a past session of a portfolio's returns."""
    every = row_type(PortfolioReturns).model_fields
    chosen: dict[str, Any] = {column: (every[column].annotation, every[column]) for column in columns}
    return create_model(name, __base__=Strict, __doc__="One session of the past.", **chosen)


def units(calculation: Calculation) -> dict[str, str]:
    """Unit by 'table.column' of a calculation."""
    return {
        f"{table_name(model)}.{name}": said
        for source, model in models().items()
        if source in calculation.sources
        for name in kept(model)
        if (said := unit(model, name))
    }
