"""What the simulated market says of its symbols: real names where a symbol is well known, else drawn ones.

Only names, types and sectors are those of the real world. Prices, betas and volatilities are made up.
"""

from typing import Final, NamedTuple

import numpy as np


class Security(NamedTuple):
    """One symbol.

    :ivar kind: how its returns are made: stock, fund, bond, real_asset, proxy, index, volatility.
    :ivar start: price on the first session, USD; 0 = drawn.
    :ivar market: centre of its market beta, in kinds other than stock.
    :ivar rates: centre of its return per percentage point of the 10-year yield, in kinds other than stock.
    """

    name: str
    security_type: str
    kind: str
    sector: str
    industry: str
    exchange: str
    start: float = 0.0
    market: float = 1.0
    rates: float = 0.0


INDUSTRIES: Final = {
    "Information Technology": ("Software", "Semiconductors", "Technology Hardware", "IT Services"),
    "Health Care": ("Pharmaceuticals", "Biotechnology", "Health Care Equipment", "Managed Health Care"),
    "Financials": ("Banks", "Insurance", "Capital Markets", "Transaction Services"),
    "Consumer Discretionary": ("Broadline Retail", "Automobiles", "Leisure Products", "Restaurants"),
    "Communication Services": ("Interactive Media", "Entertainment", "Telecommunication", "Advertising"),
    "Industrials": ("Aerospace", "Machinery", "Railroads", "Electrical Equipment"),
    "Consumer Staples": ("Beverages", "Household Products", "Food Products", "Food Retail"),
    "Energy": ("Integrated Oil & Gas", "Exploration & Production", "Oil Equipment", "Pipelines"),
    "Utilities": ("Electric Utilities", "Gas Utilities", "Multi-Utilities", "Water Utilities"),
    "Real Estate": ("Office REITs", "Retail REITs", "Residential REITs", "Industrial REITs"),
    "Materials": ("Chemicals", "Metals & Mining", "Construction Materials", "Packaging"),
}
EXCHANGES: Final = ("NYSE", "NASDAQ")

_STOCKS: Final = (
    ("AAPL", "Apple Inc.", "Information Technology", "Technology Hardware", "NASDAQ", 120),
    ("MSFT", "Microsoft Corporation", "Information Technology", "Software", "NASDAQ", 90),
    ("NVDA", "NVIDIA Corporation", "Information Technology", "Semiconductors", "NASDAQ", 60),
    ("AMD", "Advanced Micro Devices, Inc.", "Information Technology", "Semiconductors", "NASDAQ", 30),
    ("SHOP", "Shopify Inc.", "Information Technology", "Software", "NYSE", 60),
    ("ZM", "Zoom Communications, Inc.", "Information Technology", "Software", "NASDAQ", 50),
    ("V", "Visa Inc.", "Financials", "Transaction Services", "NYSE", 120),
    ("JPM", "JPMorgan Chase & Co.", "Financials", "Banks", "NYSE", 80),
    ("C", "Citigroup Inc.", "Financials", "Banks", "NYSE", 50),
    ("BRK-B", "Berkshire Hathaway Inc.", "Financials", "Insurance", "NYSE", 180),
    ("GOOGL", "Alphabet Inc.", "Communication Services", "Interactive Media", "NASDAQ", 80),
    ("META", "Meta Platforms, Inc.", "Communication Services", "Interactive Media", "NASDAQ", 120),
    ("NFLX", "Netflix, Inc.", "Communication Services", "Entertainment", "NASDAQ", 150),
    ("ROKU", "Roku, Inc.", "Communication Services", "Entertainment", "NASDAQ", 45),
    ("AMZN", "Amazon.com, Inc.", "Consumer Discretionary", "Broadline Retail", "NASDAQ", 90),
    ("TSLA", "Tesla, Inc.", "Consumer Discretionary", "Automobiles", "NASDAQ", 120),
    ("HD", "The Home Depot, Inc.", "Consumer Discretionary", "Specialty Retail", "NYSE", 120),
    ("PTON", "Peloton Interactive, Inc.", "Consumer Discretionary", "Leisure Products", "NASDAQ", 30),
    ("F", "Ford Motor Company", "Consumer Discretionary", "Automobiles", "NYSE", 12),
    ("JNJ", "Johnson & Johnson", "Health Care", "Pharmaceuticals", "NYSE", 95),
    ("UNH", "UnitedHealth Group Incorporated", "Health Care", "Managed Health Care", "NYSE", 150),
    ("GE", "General Electric Company", "Industrials", "Aerospace", "NYSE", 100),
    ("PG", "The Procter & Gamble Company", "Consumer Staples", "Household Products", "NYSE", 85),
    ("XOM", "Exxon Mobil Corporation", "Energy", "Integrated Oil & Gas", "NYSE", 90),
)


def _fund(
    name: str, kind: str, start: float, market: float = 1.0, rates: float = 0.0, security_type: str = "etf"
) -> Security:
    sector = "ETF" if security_type == "etf" else "Mutual Fund"
    industry = {"bond": "Bonds", "real_asset": "Real assets"}.get(kind, "Equity")
    return Security(
        name,
        security_type,
        kind,
        sector,
        industry,
        "NYSE Arca" if sector == "ETF" else "",
        start,
        market,
        rates,
    )


_OTHERS: Final = {
    "SPY": _fund("SPDR S&P 500 ETF Trust", "proxy", 180),
    "VTV": _fund("Vanguard Value ETF", "proxy", 75),
    "VUG": _fund("Vanguard Growth ETF", "proxy", 90),
    "MTUM": _fund("iShares MSCI USA Momentum Factor ETF", "proxy", 60),
    "QUAL": _fund("iShares MSCI USA Quality Factor ETF", "proxy", 55),
    "SIZE": _fund("iShares MSCI USA Size Factor ETF", "proxy", 55),
    "USMV": _fund("iShares MSCI USA Min Vol Factor ETF", "proxy", 35),
    "QQQ": _fund("Invesco QQQ Trust", "fund", 100, 1.15),
    "VTI": _fund("Vanguard Total Stock Market ETF", "fund", 95),
    "IWM": _fund("iShares Russell 2000 ETF", "fund", 110, 1.15),
    "EFA": _fund("iShares MSCI EAFE ETF", "fund", 65, 0.85),
    "VNQ": _fund("Vanguard Real Estate ETF", "real_asset", 65, 1.0, -0.04),
    "GLD": _fund("SPDR Gold Shares", "real_asset", 120, 0.1, -0.05),
    "DJP": _fund("iPath Bloomberg Commodity Index Total Return ETN", "real_asset", 37, 0.3, 0.02),
    "TLT": _fund("iShares 20+ Year Treasury Bond ETF", "bond", 102, 0.0, -0.155),
    "IEF": _fund("iShares 7-10 Year Treasury Bond ETF", "bond", 99, 0.0, -0.073),
    "SHY": _fund("iShares 1-3 Year Treasury Bond ETF", "bond", 84, 0.0, -0.016),
    "BND": _fund("Vanguard Total Bond Market ETF", "bond", 80, 0.02, -0.058),
    "AGG": _fund("iShares Core U.S. Aggregate Bond ETF", "bond", 106, 0.02, -0.058),
    "LQD": _fund("iShares iBoxx $ Investment Grade Corporate Bond ETF", "bond", 114, 0.10, -0.08),
    "TIP": _fund("iShares TIPS Bond ETF", "bond", 110, 0.03, -0.06),
    "FXNAX": _fund("Fidelity U.S. Bond Index Fund", "bond", 11.5, 0.02, -0.058, "mutual_fund"),
    "VTIAX": _fund("Vanguard Total International Stock Index Fund", "fund", 28, 0.85, 0.0, "mutual_fund"),
    "FCNTX": _fund("Fidelity Contrafund", "fund", 10, 1.05, 0.0, "mutual_fund"),
    "FMAGX": _fund("Fidelity Magellan Fund", "fund", 9.5, 1.05, 0.0, "mutual_fund"),
    "SPX": Security("S&P 500 Index", "index", "index", "Index", "Equity", "", 1830),
    "SP500": Security("S&P 500 Index", "index", "index", "Index", "Equity", "", 1830),
    "VIX": Security("Cboe Volatility Index", "index", "volatility", "Index", "Volatility", ""),
}

PROXIES: Final = {
    "market": "SPY",
    "value": "VTV",
    "growth": "VUG",
    "momentum": "MTUM",
    "quality": "QUAL",
    "size": "SIZE",
    "low_volatility": "USMV",
}
"""Symbol that is the factor, without any noise of its own."""


KNOWN: Final[dict[str, Security]] = {
    **{
        symbol: Security(name, "stock", "stock", sector, industry, exchange, start)
        for symbol, name, sector, industry, exchange, start in _STOCKS
    },
    **_OTHERS,
}


def security(symbol: str, draws: np.ndarray) -> Security:
    """A symbol of the catalogue, else one made of three uniform numbers (3,).

    Five letters that end in X are a mutual fund, as in the United States; anything else is a stock.
    """
    if symbol in KNOWN:
        return KNOWN[symbol]
    if len(symbol) == 5 and symbol.isalpha() and symbol.endswith("X"):
        return _fund(
            f"Simulated fund {symbol}", "fund", 10 + 30 * float(draws[0]), security_type="mutual_fund"
        )
    sector = list(INDUSTRIES)[int(draws[0] * len(INDUSTRIES))]
    industry = INDUSTRIES[sector][int(draws[1] * len(INDUSTRIES[sector]))]
    exchange = EXCHANGES[int(draws[2] * len(EXCHANGES))]
    return Security(f"Simulated {symbol}", "stock", "stock", sector, industry, exchange)
