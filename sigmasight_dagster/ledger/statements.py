"""Stated balances of a portfolio held against what its account had come to."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.account.cash import portfolio_cash
from sigmasight_core.account.delivery.due import settled_options
from sigmasight_core.account.delivery.lots import Settled, with_deliveries
from sigmasight_core.account.entries import entries
from sigmasight_core.account.terms import CashTerms
from sigmasight_core.errors import SigmaSightError
from sigmasight_core.positions.settlement import settlement_price_dates
from sigmasight_core.tables import Transactions, TreasuryYields
from sigmasight_dagster.ledger import files
from sigmasight_dagster.ledger.accounts import known_splits
from sigmasight_dagster.runs.workspace import Workspace


def doubts(workspace: Workspace, name: str) -> list[str]:
    """What `differences` says, or that the stored balances could not be held against the account, and why."""
    try:
        return differences(workspace, name)
    except SigmaSightError as error:
        return [f"stated balances are not held against the account: {error}"]


def differences(workspace: Workspace, name: str) -> list[str]:
    """A line for each dated statement that differs by more than the setting; it is booked all the same.

    Computed from the transactions, dividends, settlements and deliveries that are known now, without interest
    on cash.
    """
    warehouse = workspace.platform.warehouse
    stored = warehouse.transactions([name])
    stated = stored[(stored["kind"] == "statement") & (stored["inferred"] == "")]
    if stated.empty:
        return []
    rows = warehouse.account(name)
    stated = (
        stated.sort_values(["date", "source_line"]).drop_duplicates("date", keep="last").set_index("date")
    )
    age, until = workspace.settings.max_price_age_days, stated.index.max()
    first = max(rows["date"].min(), calendar.FIRST_DATE)
    actions = known_splits(workspace, rows)
    mine = warehouse.portfolios([name])
    settled = _settled(workspace, mine, until, actions)
    lots = settled.positions
    needed = settlement_price_dates(lots, until, age)
    wanted = pd.MultiIndex.from_product([needed, lots["underlying"].unique()], names=["date", "symbol"])
    cash = portfolio_cash(
        sessions=calendar.sessions(first, until),
        portfolios=mine[["portfolio"]].assign(margin=mine["margin"] == "yes"),
        entries=entries(settled.with_transactions(rows), corporate_actions=actions),
        positions=lots,
        prices=files.closes(workspace, wanted.to_frame(index=False)),
        corporate_actions=actions,
        yields=pd.DataFrame(columns=list(TreasuryYields.to_schema().columns)),
        terms=CashTerms(),
        max_price_age_days=age,
    )
    found = cash.set_index("date").reindex(stated.index)
    odd = found["adjustment"].abs() > workspace.settings.statement_tolerance
    return [
        f"{date:%Y-%m-%d}: {row['closing']:,.2f} stated, {row['closing'] - row['adjustment']:,.2f} computed: "
        f"{row['adjustment']:,.2f} is booked as paid {'in' if row['adjustment'] > 0 else 'out'} on that day"
        for date, row in found[odd].iterrows()
    ]


def _settled(
    workspace: Workspace, portfolio: pd.DataFrame, until: pd.Timestamp, actions: pd.DataFrame
) -> Settled:
    """The stored lots with what their options delivered, as the asset `portfolio_cash` has them."""
    lots = workspace.platform.warehouse.positions(portfolio["portfolio"].tolist())
    options = settled_options(positions=lots, portfolios=portfolio, until=until)
    if options.empty:
        return Settled(lots, Transactions.empty())
    wanted = options[["settled_on", "underlying"]].set_axis(["date", "symbol"], axis=1).drop_duplicates()
    prices = files.closes(workspace, wanted)
    return with_deliveries(positions=lots, options=options, prices=prices, corporate_actions=actions)
