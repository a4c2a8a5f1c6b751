"""The reports of portfolios, each a document of cells of the other tables."""

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, label, value


class PortfolioReports(PortfolioTable):
    """The report of one portfolio on one date as a JSON document.

    A run of several dates makes the report of its last date and leaves the others without a row, unless it is
    asked for all; `sigmasight report` makes what is missing. Every number in the document is a cell of
    another table, written with the decimals that its precision policy states.
    """

    report_version: Series[str] = label("Version of the document, as in the id of its JSON Schema")
    document: Series[str] = label(
        "The report as JSON, without when it was made: that is computed_at",
        of="portfolio_snapshots.total_value position_values.exposure risk_measures.value "
        "stress_results.correlated_pnl factor_exposures.beta",
    )
    n_available: Series[int] = value("Calculations that are available", "calculations", ge=0, of="document")
    status: Series[str] = label("ok, or 'partial: ...' with the calculations that are missing or not whole")

    class Config:
        name = "portfolio_reports"
        # what is there and what is missing is said by the tables that it is made of
        metadata = {"facts": Facts(readiness=())}
