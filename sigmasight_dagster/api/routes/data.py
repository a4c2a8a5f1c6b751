"""/data: whole answers without pages: the report, positions, prices, securities, option quotes."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from sigmasight_dagster.api.answers.declaration import Date, Read
from sigmasight_dagster.api.answers.documents import document_answer, document_responses
from sigmasight_dagster.api.answers.endpoints import add_reads
from sigmasight_dagster.api.callers import Portfolio
from sigmasight_dagster.api.services import Use
from sigmasight_dagster.warehouse.answers import market
from sigmasight_dagster.warehouse.answers import portfolio as of
from sigmasight_dagster.warehouse.answers.report import AVAILABILITY

router = APIRouter(prefix="/data", tags=["data"])

READS: Final = (
    Read(
        "/positions/details",
        of.POSITIONS,
        "Each position with its value, P&L, Greeks and share of the risk",
        filters=("symbol", "underlying", "position_type", "sector"),
    ),
    Read(
        "/prices/historical/{portfolio}",
        market.PRICES_OF_PORTFOLIO,
        "Open, high, low, close and volume of what a portfolio has held",
        flags={"factor_proxies": "Those of the factors' proxies too"},
        about="A row a session and symbol. A price that was carried forward has an earlier price_date.",
    ),
    Read(
        "/prices/quotes",
        market.QUOTES,
        "The last closes beside those of the session before: end of day, no bid or ask",
    ),
    Read("/factors/etf-prices", market.PRICES_OF_FACTORS, "Prices of the factors' proxies"),
    Read("/securities", market.SECURITIES, "Names, types, sectors of securities"),
    Read(
        "/options/chain",
        market.OPTION_CHAIN,
        "Quotes of the options on an underlying, with the volatility that is used",
        filters=("underlying",),
        required=("underlying",),
    ),
)

add_reads(router, READS, paged=False)

On = Annotated[Date | None, Query(description="Trading date; default: the newest", examples=["2022-12-28"])]
_REPORT: Final = {
    "type": "object",
    "description": "docs/portfolio_report.schema.json, without generated_at and data_known_at",
    "required": ["version", "metadata", "portfolio", "calculation_engines", "positions", "data_availability"],
}


@router.get(
    "/portfolio/{portfolio}/complete",
    response_class=Response,
    summary="The whole report of a portfolio",
    responses=document_responses(_REPORT, {"version": "1.0", "metadata": {"portfolio": "individual"}}),
)
async def complete(request: Request, use: Use, portfolio: Portfolio, date: On = None) -> Response:
    """The stored report as JSON: every number in it is a cell, with the decimals that its policy states."""
    return await document_answer(request, use, portfolio, date)


@router.get(
    "/portfolio/{portfolio}/data-quality",
    response_class=Response,
    summary="What is there of each calculation, what is missing and why",
    responses=document_responses(
        {"type": "array", "items": {"type": "object"}}, [{"calculation": "valuation", "status": "ok"}]
    ),
)
async def data_quality(request: Request, use: Use, portfolio: Portfolio, date: On = None) -> Response:
    """The section data_availability of the stored report; its date is the header As-Of-Date."""
    return await document_answer(request, use, portfolio, date, AVAILABILITY)
