"""Each portfolio as an account: its cash, and its returns."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.account import cash, entries
from sigmasight_core.account.performance import contributions
from sigmasight_core.account.performance import portfolio_returns as returns
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.market.returns import to_wide
from sigmasight_core.positions.settlement import settlement_price_dates
from sigmasight_core.tables import (
    DailyPrices,
    GroupContributions,
    OptionDeliveries,
    PortfolioCash,
    PortfolioReturns,
    Portfolios,
    PortfolioSnapshots,
    Positions,
    PositionValues,
    ReturnContributions,
    Transactions,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.benchmark import benchmarks
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.engine.settled_ledger import LOTS, settled_ledger
from sigmasight_dagster.gates.account import (
    CONTRIBUTIONS_SUM_TO_THE_RETURN,
    GROUPS_SUM_TO_THE_RETURN,
    VALUE_CHANGES_BY_PNL_AND_FLOWS,
)
from sigmasight_dagster.story import Story, figures, previews

GROUP = "portfolio"


@risk_asset(
    PortfolioCash,
    inputs=[
        *LOTS,
        Transactions,
        Input(DailyPrices, since_entry=True),
        Input(TreasuryYields, since_entry=True, interest_on_cash=True),
    ],
    group=GROUP,
    page="account.md",
    stories={
        PortfolioCash: Story(
            (
                figures.of_row(
                    closing="cash (USD)",
                    external_flow="paid in or out (USD)",
                    dividends="dividends (USD)",
                    fees="fees (USD)",
                ),
                figures.text_of_row(status="status"),
            )
        )
    },
)
def portfolio_cash(batch: Batch) -> pd.DataFrame:
    """Cash of the account: trades, settlements, income, fees, deposits, and what was inferred."""
    # older lots count on the first session there is: the calendar does not reach back to them
    first = max(min([*batch.transactions["date"], batch.dates[0]]), calendar.FIRST_DATE)
    age, until = batch.max_price_age_days, batch.dates[-1]
    settled = settled_ledger(batch)
    needed = settlement_price_dates(settled.positions, until, age).union(batch.dates)
    actions = batch.corporate_actions
    no_yields = pd.DataFrame(columns=list(TreasuryYields.to_schema().columns))
    rows = cash.portfolio_cash(
        sessions=calendar.sessions(first, until),
        portfolios=batch.registry[["portfolio"]].assign(margin=batch.registry["margin"] == "yes"),
        entries=entries.entries(settled.with_transactions(batch.transactions), corporate_actions=actions),
        positions=settled.positions,
        prices=batch.read_on(DailyPrices, needed),
        corporate_actions=actions,
        yields=no_yields if batch.cash_terms.none else batch.read(TreasuryYields),
        terms=batch.cash_terms,
        max_price_age_days=age,
    )
    return rows[rows["date"].isin(batch.dates)].reset_index(drop=True)


@risk_asset(OptionDeliveries, inputs=LOTS, group=GROUP, page="account.md")
def option_deliveries(batch: Batch) -> pd.DataFrame:
    """Options of portfolios with physical settlement that turned into shares, and these at the strike."""
    made = settled_ledger(batch).transactions
    return OptionDeliveries.of(made[made["date"].isin(batch.dates)])


@risk_asset(
    PortfolioReturns,
    inputs=[
        Portfolios,
        Positions,
        Transactions,
        Input(PortfolioCash, since_entry=True, published_only=True),
        Input(PortfolioSnapshots, since_entry=True, published_only=True),
        Input(DailyPrices, look_back=SESSIONS_PER_YEAR, benchmark=True),
    ],
    group=GROUP,
    page="account.md",
    gates=[VALUE_CHANGES_BY_PNL_AND_FLOWS],
    stories={
        PortfolioReturns: Story(
            (
                figures.of_row(
                    daily_return="daily return",
                    twr_ytd="time-weighted return, year to date",
                    mwr_ytd="money-weighted return, year to date",
                    beta="beta to the benchmark",
                ),
                figures.text_of_row(status="status"),
            )
        )
    },
)
def portfolio_returns(batch: Batch) -> pd.DataFrame:
    """Returns with dividends, costs and flows: daily, linked, money-weighted, beside the benchmark."""
    sessions = batch.sessions(PortfolioSnapshots)
    beside = benchmarks(batch)
    prices = batch.read(DailyPrices, ["date", "symbol", "adjusted_close"], sorted(set(beside)))
    closes = to_wide(prices, batch.sessions(DailyPrices)).reindex(columns=beside.unique())
    wanted = ["net_exposure", "gross_exposure", "price_pnl", "daily_pnl", "status"]
    snapshots = batch.read(PortfolioSnapshots, ["date", "portfolio", *wanted])
    # before there were accounts, daily_pnl was that of the prices
    price_pnl = snapshots["price_pnl"].fillna(snapshots["daily_pnl"])
    return returns.portfolio_returns(
        dates=batch.dates,
        sessions=sessions,
        names=pd.Index(batch.portfolios),
        first_dates=batch.transactions.groupby("portfolio")["date"].min(),
        portfolio_cash=batch.read(PortfolioCash),
        snapshots=snapshots.assign(price_pnl=price_pnl),
        benchmarks=beside,
        benchmark_returns=closes.pct_change(fill_method=None),
    )


@risk_asset(
    ReturnContributions,
    GroupContributions,
    inputs=[
        Portfolios,
        Positions,
        Transactions,
        Input(PortfolioReturns, look_back=contributions.LOOK_BACK_SESSIONS, published_only=True),
        Input(PortfolioCash, look_back=contributions.LOOK_BACK_SESSIONS, published_only=True),
        Input(PositionValues, look_back=contributions.LOOK_BACK_SESSIONS, published_only=True),
    ],
    group=GROUP,
    page="account.md",
    gates=[CONTRIBUTIONS_SUM_TO_THE_RETURN, GROUPS_SUM_TO_THE_RETURN],
    stories={
        ReturnContributions: Story(
            (),
            ("period", "item", "pnl", "contribution", "period_return", "status"),
            previews.largest("contribution"),
        ),
        GroupContributions: Story(
            (),
            ("dimension", "period", "item", "pnl", "contribution", "period_return", "status"),
            previews.largest("contribution"),
        ),
    },
)
def return_contributions(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What underlyings, sectors, tags and cash contributed to the return of the year and of one year."""
    keys = ["date", "portfolio"]
    daily = ["total_value", "daily_pnl", "external_flow", "daily_return", "twr_ytd", "twr_1y"]
    return contributions.return_contributions(
        dates=batch.dates,
        sessions=batch.sessions(PortfolioReturns),
        names=pd.Index(batch.portfolios),
        first_dates=batch.transactions.groupby("portfolio")["date"].min(),
        portfolio_returns=batch.read(PortfolioReturns, [*keys, *daily]),
        portfolio_cash=batch.read(PortfolioCash, [*keys, "dividends", "interest", "fees"]),
        position_values=batch.read(PositionValues, [*keys, "underlying", "sector", "tags", "daily_pnl"]),
    )
