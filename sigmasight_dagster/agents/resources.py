"""Resources: the stored report of a portfolio as JSON, and its schema."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError

from sigmasight_core.errors import SigmaSightError
from sigmasight_core.report.document.schema import json_schema
from sigmasight_dagster.agents.callers import visible
from sigmasight_dagster.agents.models import NOTICE
from sigmasight_dagster.agents.reading import day
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.warehouse.answers.report import current_document

SCHEMA: Final = "sigmasight://report-schema"
NEWEST: Final = "sigmasight://portfolios/{portfolio}/report"
OF_DATE: Final = NEWEST + "/{date}"
_JSON: Final = "application/json"
_MARK: Final = {"notice": NOTICE}


def add(server: MCPServer[Any], use: Services) -> None:
    """Add the resources to a server."""

    async def report(portfolio: str, date: str | None = None) -> str:
        try:
            name = await visible(use.callers, portfolio)
            return (await current_document(use.pool, name, day(date))).text
        except SigmaSightError as error:
            raise ResourceError(" ".join(str(error).split())) from None

    @server.resource(SCHEMA, title="JSON Schema of reports", mime_type="application/schema+json")
    def schema() -> str:
        """The JSON Schema of the reports: every field with its meaning."""
        return json_schema()

    @server.resource(NEWEST, title="Newest report of a portfolio", mime_type=_JSON, meta=_MARK)
    async def newest_report(portfolio: str) -> str:
        """The whole stored report of the newest date; numbers have the decimals that its policy states."""
        return await report(portfolio)

    @server.resource(OF_DATE, title="Report of a portfolio and date", mime_type=_JSON, meta=_MARK)
    async def report_of_date(portfolio: str, date: str) -> str:
        """The whole stored report of a trading date, YYYY-MM-DD."""
        return await report(portfolio, date)
