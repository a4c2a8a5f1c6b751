"""What contributed to the return of a period."""

from typing import Final

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, key, label, value

PARTS: Final = (
    "position_values.daily_pnl portfolio_cash.dividends portfolio_cash.interest portfolio_cash.fees"
)
LINKED: Final = (
    "portfolio_returns.daily_return portfolio_returns.total_value portfolio_returns.external_flow "
    "portfolio_returns.daily_pnl"
)


class ReturnContributions(PortfolioTable):
    """Contribution of one item to the time-weighted return of a period; those of a period sum to it."""

    period: Series[str] = key("Period that ends on the date: 'ytd' or '1y'", isin=["ytd", "1y"])
    item: Series[str] = key(
        "Underlying of positions, or 'cash': dividends booked, interest and fees",
        of="position_values.underlying",
    )
    pnl: Series[float] = value("P&L of the item over the period", "USD", of=PARTS)
    contribution: Series[float] = value(
        "Sum of pnl / (total_value at the previous close + inflow of the day) over the days, each weighted "
        "by Carino's factor",
        "fraction",
        of=f"{PARTS} {LINKED} period_return",
    )
    period_return: Series[float] = value(
        "Time-weighted return of the portfolio over the period: the sum of the contributions",
        "fraction",
        of="portfolio_returns.twr_ytd portfolio_returns.twr_1y",
    )
    status: Series[str] = label("ok, 'partial: ...' with what counts as 0, or why a value is NULL")

    class Config:
        name = "return_contributions"
        # portfolio_returns says in the readiness whether there is a return
        metadata = {"facts": Facts(detail=True, readiness=(), packed=True)}


class GroupContributions(PortfolioTable):
    """Contribution of one sector or tag to the time-weighted return of a period; those of each sum to it."""

    dimension: Series[str] = key("sector or tag", isin=["sector", "tag"])
    period: Series[str] = key("Period that ends on the date: 'ytd' or '1y'", isin=["ytd", "1y"])
    item: Series[str] = key(
        "Sector of the underlying, or tag: a position counts in each of its own. '(cash)': dividends booked, "
        "interest, fees; '(no tag)'; '(several tags)': less what counts in more than one",
        of="position_values.sector position_values.tags",
    )
    pnl: Series[float] = value("P&L of the item over the period", "USD", of=PARTS)
    contribution: Series[float] = value(
        "As return_contributions.contribution, of the positions of the item",
        "fraction",
        of=f"{PARTS} {LINKED} period_return",
    )
    period_return: Series[float] = value(
        "Time-weighted return of the portfolio over the period: the sum of the contributions of a dimension",
        "fraction",
        of="portfolio_returns.twr_ytd portfolio_returns.twr_1y",
    )
    status: Series[str] = label("ok, 'partial: ...' with what counts as 0, or why a value is NULL")

    class Config:
        name = "return_contributions_by_group"
        metadata = {"facts": Facts(detail=True, readiness=(), packed=True)}
