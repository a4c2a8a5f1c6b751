"""The tables of the API, a method each: the name says what its rows are, `asked` which of them."""

from abc import abstractmethod
from typing import Unpack

import pandas as pd

from sigmasight_client.asked import Asked, with_filter


class Tables:
    """Reading endpoints. See docs/data_dictionary.md for the columns."""

    @abstractmethod
    def frame(self, path: str, /, *names: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The rows of a reading endpoint. :param path: below /api/v1, `{}` for each of the names."""

    def overview(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Value, P&L, returns, beta, risk, worst scenario."""
        return self.frame("/analytics/portfolio/{}/overview", portfolio, **asked)

    def performance(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Returns by period, beside the benchmark."""
        return self.frame("/analytics/portfolio/{}/performance", portfolio, **asked)

    def snapshots(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Value, exposures, P&L and Greeks of each day."""
        return self.frame("/analytics/portfolio/{}/snapshots", portfolio, **asked)

    def groups(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Sums and risk by tag, sector, class, underlying."""
        return self.frame("/analytics/portfolio/{}/groups", portfolio, **asked)

    def cash(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The account's cash, from opening to closing."""
        return self.frame("/analytics/portfolio/{}/cash", portfolio, **asked)

    def liquidity(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Days to liquidate."""
        return self.frame("/analytics/portfolio/{}/liquidity", portfolio, **asked)

    def position_liquidity(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Days to liquidate each position."""
        return self.frame("/analytics/portfolio/{}/liquidity/positions", portfolio, **asked)

    def attribution(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Contributions to the return, by position and by group."""
        return self.frame("/analytics/positions/attribution", **with_filter(asked, portfolio=portfolio))

    def risk(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Value at risk, expected shortfall, volatility, drawdown."""
        return self.frame("/analytics/risk/{}/overview", portfolio, **asked)

    def sides(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """What is held: the portfolio, its longs and its shorts."""
        return self.frame("/analytics/risk/{}/sides", portfolio, **asked)

    def risk_contributions(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Parts of the VaR by factor and position."""
        return self.frame("/analytics/risk/{}/contributions", portfolio, **asked)

    def var_backtests(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """How the value at risk did in the past."""
        return self.frame("/analytics/risk/{}/backtests", portfolio, **asked)

    def greeks(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Greeks of the portfolio."""
        return self.frame("/analytics/risk/{}/greeks", portfolio, **asked)

    def position_greeks(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Greeks of each position."""
        return self.frame("/analytics/risk/{}/greeks/positions", portfolio, **asked)

    def expiries(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Greeks that end with the next expiries."""
        return self.frame("/analytics/risk/{}/greeks/expiries", portfolio, **asked)

    def scenarios(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Stress scenarios, the worst first."""
        return self.frame("/analytics/risk/{}/scenarios", portfolio, **asked)

    def scenario_factors(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Parts of scenarios' P&L by factor."""
        return self.frame("/analytics/risk/{}/scenarios/factors", portfolio, **asked)

    def scenario_positions(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Scenarios' P&L of each position."""
        return self.frame("/analytics/risk/{}/scenarios/positions", portfolio, **asked)

    def factor_definitions(self, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The factors of the model and their proxies."""
        return self.frame("/analytics/factors/definitions", **asked)

    def factor_correlations(self, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Correlations of the factors."""
        return self.frame("/analytics/factors/correlations", **asked)

    def exposures(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Betas and dollars of the portfolio by factor."""
        return self.frame("/analytics/factors/{}/exposures", portfolio, **asked)

    def position_exposures(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Betas and dollars of each position by factor."""
        return self.frame("/analytics/factors/{}/exposures/positions", portfolio, **asked)

    def rate_exposures(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """P&L for moves of Treasury yields."""
        return self.frame("/analytics/factors/{}/exposures/rates", portfolio, **asked)

    def correlations(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Correlations of the holdings, by pair."""
        return self.frame("/analytics/correlation/{}/matrix", portfolio, **asked)

    def correlation_summary(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Average correlation, effective bets."""
        return self.frame("/analytics/correlation/{}/summary", portfolio, **asked)

    def correlation_clusters(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Holdings that move together."""
        return self.frame("/analytics/correlation/{}/clusters", portfolio, **asked)

    def reverse_stress(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The likeliest moves that lose so much."""
        return self.frame("/analytics/reverse-stress/{}", portfolio, **asked)

    def pnl(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """P&L of the day by cause."""
        return self.frame("/analytics/pnl/{}/explain", portfolio, **asked)

    def position_pnl(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """P&L of the day of each position by cause."""
        return self.frame("/analytics/pnl/{}/explain/positions", portfolio, **asked)

    def positions(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Each position with its value, P&L, Greeks and share of the risk."""
        return self.frame("/data/positions/details", **with_filter(asked, portfolio=portfolio))

    def prices(self, portfolio: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Open, high, low, close and volume of what a portfolio has held."""
        return self.frame("/data/prices/historical/{}", portfolio, **asked)

    def quotes(self, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The last closes beside those of the session before: end of day, no bid or ask."""
        return self.frame("/data/prices/quotes", **asked)

    def factor_prices(self, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Prices of the factors' proxies."""
        return self.frame("/data/factors/etf-prices", **asked)

    def securities(self, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Names, types, sectors of securities."""
        return self.frame("/data/securities", **asked)

    def option_chain(self, underlying: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """Quotes of the options on an underlying, with the volatility that is used."""
        return self.frame("/data/options/chain", **with_filter(asked, underlying=underlying))
