"""The cash of a portfolio on every date: what it was, what moved it, what it is. People reconcile with it."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.balances import balances
from sigmasight_core.account.entries import Entries
from sigmasight_core.account.income import cash_rates, dividends, held_through, yields_before
from sigmasight_core.account.terms import CashTerms
from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.gaps import gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.positions.held import is_option
from sigmasight_core.positions.settlement import settled_pnl
from sigmasight_core.tables.account.cash import PortfolioCash

IN_PRICE_MARK: Final = "close = adjusted_close"
"""What the source of closes says that are adjusted for dividends: the income is in the price."""


def portfolio_cash(
    *,
    sessions: pd.DatetimeIndex,
    portfolios: pd.DataFrame,
    entries: Entries,
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    yields: pd.DataFrame,
    terms: CashTerms,
    max_price_age_days: int,
) -> pd.DataFrame:
    """Cash of every portfolio on every session, zero before the first.

    A purchase is paid from cash as far as there is some; the rest is an inferred deposit of that day. With
    margin the balance may be negative instead. A statement sets the balance of its day's close.

    :param sessions: every session from the first transaction to the last date wanted.
    :param portfolios: rows with `portfolio` and `margin` (whether cash may be negative).
    :param entries: of `entries.entries`, of these portfolios.
    :param positions: rows of `tables.Positions`, the lots of the same entries.
    :param prices: rows of `tables.DailyPrices`: those of `settlement.settlement_price_dates`, and of the
        sessions for which the source of dividends is asked.
    :param corporate_actions: rows of `tables.CorporateActions` since the first date.
    :param yields: rows of `tables.TreasuryYields` since the first date; none are needed without terms. Over a
        session without a yield cash earns and costs nothing, and the status says so ever after.
    :returns: rows in the shape of `PortfolioCash`, ordered by date and portfolio.
    """
    names = pd.Index(portfolios["portfolio"].sort_values())
    grid = _Grid(sessions, names)
    paid = dividends(entries, corporate_actions=corporate_actions)
    settled = _settlements(positions, prices, corporate_actions, sessions, max_price_age_days)
    flows = _known_flows(entries, grid)
    flows["settlements"] += grid.sums(settled["portfolio"], settled["pays_on"], settled["cash"])
    flows["dividends"] += grid.sums(paid["portfolio"], paid["date"], paid["amount"])
    margin = portfolios.set_index("portfolio")["margin"].reindex(names).to_numpy(dtype=bool)
    accrues = ~names.isin(entries.rows.loc[entries.rows["kind"] == "interest", "portfolio"])
    borrow = -(terms.borrow_spread or 0.0) if terms.borrow_spread is not None else None
    found = balances(
        sum(flows.values(), np.zeros(grid.shape)),
        stated=_stated(entries, grid),
        margin=margin,
        rates=cash_rates(yields, sessions, terms.interest_spread)[:, None] * accrues,
        borrow_rates=cash_rates(yields, sessions, borrow)[:, None] * accrues,
    )
    in_kind, interest = _in_kind(entries, grid), flows["interest"] + found.interest
    columns = {
        "opening": found.opening,
        **flows,
        "interest": interest,
        "adjustment": found.adjustment,
        "inferred": found.inferred,
        "closing": found.closing,
        "in_kind": in_kind,
        "income_to_date": np.cumsum(flows["dividends"] + interest + flows["fees"], axis=0),
        "external_flow": flows["external"] + found.adjustment + found.inferred + in_kind,
    }
    frame = pd.DataFrame(
        {
            "date": np.repeat(sessions, len(names)),
            "portfolio": np.tile(names.to_numpy(dtype=object), len(sessions)),
            **{name: values.ravel() for name, values in columns.items()},
            "dividend_source": _dividend_source(entries, positions, prices, grid).ravel(),
            "status": _status(
                paid, settled, _without_yield(found.opening, accrues, yields, terms, grid), grid
            ),
        }
    )
    return frame.astype({"portfolio": "str", "status": "str", "dividend_source": "str"})[
        list(PortfolioCash.to_schema().columns)
    ]


class _Grid:
    """Sessions x portfolios."""

    def __init__(self, sessions: pd.DatetimeIndex, names: pd.Index):
        self.sessions, self.names = sessions, names
        self.shape = (len(sessions), len(names))

    def places(self, portfolios: pd.Series, dates: "pd.Series[pd.Timestamp]") -> tuple[Ints, Bools]:
        """Cell of each row, and whether it has one; a day that is no session counts on the next."""
        row = self.sessions.searchsorted(pd.DatetimeIndex(dates)).astype(np.int64)
        column = codes_of(self.names, portfolios)
        return row * self.shape[1] + column, (row < self.shape[0]) & (column >= 0)

    def sums(self, portfolios: pd.Series, dates: "pd.Series[pd.Timestamp]", amounts: pd.Series) -> Floats:
        """Sums by cell; NaN adds nothing."""
        cell, inside = self.places(portfolios, dates)
        weights = np.nan_to_num(amounts.to_numpy(dtype=float)[inside])
        total = np.bincount(cell[inside], weights=weights, minlength=self.shape[0] * self.shape[1])
        return total.astype(float).reshape(self.shape)


def _known_flows(entries: Entries, grid: _Grid) -> dict[str, Floats]:
    rows, ends = entries.rows, entries.rows["kind"].isin(("expiry", "exercise", "assignment")).to_numpy()
    dates = pd.Series(entries.day.astype("datetime64[D]").astype("datetime64[ns]"))
    amount, gross = rows["amount"].to_numpy(dtype=float), entries.gross

    def summed(values: Floats) -> Floats:
        return grid.sums(rows["portfolio"], dates, pd.Series(values))

    def of_kind(*kinds: str) -> Floats:
        return summed(np.where(rows["kind"].isin(kinds), amount, 0.0))

    return {
        "trades": summed(np.where(ends, 0.0, gross)),
        "settlements": summed(np.where(ends, gross, 0.0)),
        "dividends": of_kind("dividend"),
        "interest": of_kind("interest"),
        "fees": summed(entries.costs),
        "external": of_kind("deposit", "withdrawal"),
    }


def _in_kind(entries: Entries, grid: _Grid) -> Floats:
    """Value of transfers at their price; a split-off is no flow: it was the parent's value."""
    rows = entries.rows
    moved = rows["kind"].isin(("transfer_in", "transfer_out")).to_numpy()
    size = entries.side * entries.quantity * entries.multiplier * rows["price"].to_numpy(dtype=float)
    signed = np.where(moved, np.where(entries.opens, size, -size), 0.0)
    return grid.sums(rows["portfolio"], rows["date"], pd.Series(signed))


def _stated(entries: Entries, grid: _Grid) -> Floats:
    """Stated balances; of two on a day the last."""
    rows = entries.rows[entries.rows["kind"] == "statement"]
    cell, inside = grid.places(rows["portfolio"], rows["date"])
    stated = np.full(grid.shape[0] * grid.shape[1], np.nan)
    stated[cell[inside]] = rows["amount"].to_numpy(dtype=float)[inside]
    return stated.reshape(grid.shape)


def _settlements(
    positions: pd.DataFrame,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    max_price_age_days: int,
) -> pd.DataFrame:
    """Cash of options that end by themselves, on the session after their last: on that they have a value."""
    options = positions[is_option(positions) & positions["exit_date"].isna().to_numpy()]
    settled = settled_pnl(
        positions=options,
        prices=prices,
        corporate_actions=corporate_actions,
        until=sessions[-1],
        max_price_age_days=max_price_age_days,
    )
    cost = options["quantity"] * options["multiplier"] * options["entry_price"]
    known = options[["portfolio", "position_id"]].assign(cost=cost.astype(float))
    rows = settled.merge(known, on=["portfolio", "position_id"], validate="one_to_one")
    after = sessions.searchsorted(pd.DatetimeIndex(rows["date"]), side="right")
    rows = rows.assign(cash=rows["pnl"] + rows["cost"])[after < len(sessions)]
    return rows.assign(pays_on=sessions[after[after < len(sessions)]])


def _dividend_source(entries: Entries, positions: pd.DataFrame, prices: pd.DataFrame, grid: _Grid) -> Texts:
    marked = prices.loc[prices["source"].str.contains(IN_PRICE_MARK, regex=False), "symbol"].unique()
    chosen = positions["underlying"].isin(marked).to_numpy() & ~is_option(positions)
    adjusted = held_through(positions, chosen, sessions=grid.sessions, names=grid.names)
    others = held_through(
        positions, ~chosen & ~is_option(positions), sessions=grid.sessions, names=grid.names
    )
    stated = grid.names.isin(entries.rows.loc[entries.rows["kind"] == "dividend", "portfolio"])
    source = np.where(stated, "stated", "booked").astype(object)
    return np.where(adjusted, np.where(others, "mixed", "in price"), source[None, :])


def _without_yield(
    opening: Floats, accrues: Bools, yields: pd.DataFrame, terms: CashTerms, grid: _Grid
) -> pd.DataFrame:
    """First session of each portfolio over which its cash lacks the yield that it earns or pays."""
    asked = np.zeros(grid.shape, dtype=bool)
    if terms.interest_spread is not None:
        asked |= opening > 0
    if terms.borrow_spread is not None:
        asked |= opening < 0
    lacking = asked & accrues & np.isnan(yields_before(yields, grid.sessions))[:, None]
    which = np.flatnonzero(lacking.any(axis=0))
    days = grid.sessions[lacking[:, which].argmax(axis=0)]
    text = days.strftime("%Y-%m-%d").to_numpy(dtype=object)
    return pd.DataFrame({"portfolio": grid.names[which], "date": days, "text": text})


def _status(
    paid: pd.DataFrame, settled: pd.DataFrame, without_yield: pd.DataFrame, grid: _Grid
) -> "pd.api.extensions.ExtensionArray":
    """What was not booked stays said on every later date: the balance lacks it."""
    lacking = [
        ("no amount of a dividend of", paid[paid["amount"].isna()], "date", "symbol"),
        ("no settlement price for", settled[settled["cash"].isna()], "pays_on", "underlying"),
        ("no 3-month yield for interest on", without_yield, "date", "text"),
    ]
    gaps = []
    for words, rows, day, name in lacking:
        row = grid.sessions.searchsorted(pd.DatetimeIndex(rows[day]))
        on, which = np.nonzero(np.arange(grid.shape[0])[:, None] >= row)
        portfolio = codes_of(grid.names, rows["portfolio"])[which]
        gaps.append((words, on * grid.shape[1] + portfolio, rows[name].to_numpy(dtype=object)[which]))
    texts = gap_texts(gaps, grid.shape[0] * grid.shape[1])
    return pd.array(np.where(texts == "", OK, "partial: " + texts), dtype="str")
