"""Yahoo's summary of a symbol to one row of securities."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from sigmasight_dagster.providers.rows.screening import CURRENCY

TYPES: Final = {
    "EQUITY": "stock",
    "ETF": "etf",
    "MUTUALFUND": "mutual_fund",
    "INDEX": "index",
    "OPTION": "option",
}
"""Our security_type by Yahoo's quoteType; any other (CURRENCY, CRYPTOCURRENCY, FUTURE) is unknown."""

FUNDS: Final = ("etf", "mutual_fund")


def security(symbol: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of base.SECURITY_COLUMNS that Yahoo knows; what it lacks is left out.

    :param summary: modules of quoteSummary, numbers unformatted.
    """
    kind, price, profile, detail = (
        summary.get(module) or {} for module in ("quoteType", "price", "assetProfile", "summaryDetail")
    )
    security_type = TYPES.get(str(kind.get("quoteType") or price.get("quoteType")), "unknown")
    currency = price.get("currency") or detail.get("currency")
    texts = {
        "name": kind.get("longName") or price.get("longName") or kind.get("shortName"),
        "security_type": security_type,
        "sector": profile.get("sector"),
        "industry": profile.get("industry"),
        "exchange": price.get("exchangeName") or kind.get("exchange"),
        "currency": currency,
        "country": profile.get("country"),
    }
    size = detail.get("totalAssets") if security_type in FUNDS else price.get("marketCap")
    known = {column: str(text).strip() for column, text in texts.items() if text}
    return {**known, "symbol": symbol, "source": "yahoo", "market_cap": _dollars(size, currency)}


def _dollars(size: Any, currency: str | None) -> float:
    """A size in USD; NaN if it is not a number or in another currency."""
    is_number = isinstance(size, int | float) and not isinstance(size, bool)
    if currency != CURRENCY or not is_number or not 0 < size < np.inf:
        return np.nan
    return float(size)
