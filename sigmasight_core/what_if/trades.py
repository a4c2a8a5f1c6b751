"""Hypothetical trades at a close, and the ledger that they leave behind.

A trade in a symbol that is held changes the holding: lots of the other sign are closed first, oldest first
(FIFO), and what is left opens a new lot, which may turn a long into a short. Cash pays for it: it changes by
- quantity x multiplier x price. Traded at the close, total value and P&L of the day stay what they are.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import OPTION_MULTIPLIER
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import ledger_rows
from sigmasight_core.market.corporate_actions import split_factors
from sigmasight_core.positions.held import HELD, held_positions
from sigmasight_core.tables import Positions, validate

_WHOLE: Final = 1e-9
"""A relative remainder below this is rounding: the lot, or the trade, is used up."""


@dataclass(frozen=True)
class Hypothetical:
    """A ledger with trades in it.

    :param positions: `tables.Positions` rows. A part of a lot that is sold has the id of the lot and '/sold'.
    :param cash: USD after the trades.
    :param fills: the trades in their order, with `trade_price`, `price_source`, `cash_change`, `held_before`
        and `held_after` (net quantity of the symbol, in units of the trade date).
    """

    positions: pd.DataFrame
    cash: float
    fills: pd.DataFrame


def trial_lots(trades: pd.DataFrame, portfolio: str, date: pd.Timestamp) -> pd.DataFrame:
    """Each trade as a position of its own entered at `date`: value them for the default prices."""
    return _lots(trades.assign(trade_price=1.0), portfolio, date)


def priced(*, trades: pd.DataFrame, values: pd.DataFrame, source: str) -> pd.DataFrame:
    """The trades with `trade_price` (USD per share) and `price_source`.

    :param values: `tables.PositionValues` rows of the `trial_lots` on the trade date.
    :param source: name of the file, for messages.
    :raises InputError: if a price is neither given nor known, or the known one is zero.
    """
    close = values.set_index("symbol").reindex(trades["symbol"])
    given = trades["price"].notna().to_numpy()
    price = np.where(given, trades["price"], close["price"])
    unknown = np.flatnonzero(~(price > 0))
    if len(unknown):
        first = trades.iloc[unknown[0]]
        why = "its price is zero" if price[unknown[0]] == 0 else str(close["status"].iloc[unknown[0]])
        raise InputError(
            f"{source}:{first['line']}: {first['symbol']}: {why}; give one in a column price "
            f"({len(unknown)} of {len(trades)} trades have none)"
        )
    kinds = np.where(given, "given", close["price_source"])
    return trades.assign(trade_price=price, price_source=pd.array(kinds, dtype="str"))


def apply_trades(
    *,
    positions: pd.DataFrame,
    cash: float,
    trades: pd.DataFrame,
    corporate_actions: pd.DataFrame,
    portfolio: str,
    date: pd.Timestamp,
) -> Hypothetical:
    """The ledger of one portfolio as of the close of `date`, after the trades.

    :param positions: `tables.Positions` rows of the portfolio.
    :param cash: USD before the trades.
    :param trades: from `priced`; each symbol once; quantities in units of `date`.
    :param corporate_actions: `tables.CorporateActions` rows since the first entry date.
    :param portfolio: name that the rows of the result get.
    :raises InputError: if the split ratio of a traded holding is not known, or a trade would open a position
        in an option symbol whose held contracts were adjusted by a split.
    """
    lots = held_positions(positions, pd.DatetimeIndex([date]))
    lots = lots[lots["state"] == HELD].sort_values(["symbol", "entry_date", "position_id"], ignore_index=True)
    ratio = split_factors(positions=lots, splits=corporate_actions, dates=pd.DatetimeIndex([date]))[0]
    units = lots["quantity"].to_numpy(dtype=float) * ratio
    by_symbol = trades.set_index("symbol")
    traded = by_symbol["quantity"].reindex(lots["symbol"]).to_numpy(dtype=float)
    _check_ratios(lots, ratio, ~np.isnan(traded))
    closed = _closed(lots["symbol"], units, traded)
    used = pd.Series(closed).groupby(lots["symbol"]).sum().reindex(trades["symbol"]).fillna(0).to_numpy()
    quantity = trades["quantity"].to_numpy(dtype=float)
    left = np.abs(quantity) - used
    opened = np.sign(quantity) * np.where(left > _WHOLE * np.abs(quantity), left, 0.0)
    _check_contracts(trades, opened, lots, ratio)
    fills = _fills(trades, lots["symbol"], units)
    exits = _exits(lots, units, closed, ratio, by_symbol["trade_price"], date)
    new = _lots(_inherited(trades, lots).assign(quantity=opened)[opened != 0], portfolio, date)
    clash = new["position_id"].isin(positions["position_id"])
    new["position_id"] = new["position_id"].mask(clash, new["position_id"] + "/what-if")
    untouched = positions[~positions["position_id"].isin(lots.loc[closed > 0, "position_id"])]
    ledger = pd.concat([untouched, exits, new], ignore_index=True).assign(portfolio=portfolio)
    return Hypothetical(
        positions=validate(Positions, ledger),
        cash=cash + float(fills["cash_change"].sum()),
        fills=fills,
    )


def _closed(symbols: "pd.Series[str]", units: Floats, traded: Floats) -> Floats:
    """Units of each lot that the trade of its symbol closes, oldest first; the whole lot without rounding."""
    available = np.where(units * traded < 0, np.abs(units), 0.0)
    before = pd.Series(available).groupby(symbols).cumsum().to_numpy() - available
    closed = np.clip(np.nan_to_num(np.abs(traded)) - before, 0.0, available)
    closed = np.where(closed > available * (1 - _WHOLE), available, closed)
    return np.where(closed > available * _WHOLE, closed, 0.0)


def _exits(
    lots: pd.DataFrame,
    units: Floats,
    closed: Floats,
    ratio: Floats,
    prices: "pd.Series[float]",
    date: pd.Timestamp,
) -> pd.DataFrame:
    """What becomes of the lots that are closed in whole or in part, in units of their entry."""
    hit = closed > 0
    columns = list(Positions.to_schema().columns)
    rows = lots.loc[hit, columns]
    sold = np.sign(units[hit]) * closed[hit] / ratio[hit]
    whole = closed[hit] == np.abs(units[hit])
    exit_price = prices.reindex(rows["symbol"]).to_numpy(dtype=float)
    quantity = rows["quantity"].to_numpy(dtype=float)
    gone = rows.assign(quantity=np.where(whole, quantity, sold), exit_price=exit_price, exit_date=date)
    gone["position_id"] = gone["position_id"].where(whole, gone["position_id"] + "/sold")
    return pd.concat([gone, rows.assign(quantity=quantity - sold)[~whole]])


def _lots(trades: pd.DataFrame, portfolio: str, date: pd.Timestamp) -> pd.DataFrame:
    entered = trades.assign(entry_price=trades["trade_price"], entry_date=date, exit_price=np.nan)
    never = pd.Series(pd.NaT, index=trades.index, dtype="datetime64[ns]")
    none = pd.Series(pd.NA, index=trades.index, dtype="str")
    return ledger_rows(entered.assign(exit_date=never, notes=none), portfolio)


def _inherited(trades: pd.DataFrame, lots: pd.DataFrame) -> pd.DataFrame:
    """Trades without tags get those of the oldest lot of their symbol."""
    held = lots.drop_duplicates("symbol").set_index("symbol")["tags"].reindex(trades["symbol"]).fillna("")
    return trades.assign(tags=trades["tags"].where(trades["tags"] != "", held.to_numpy()))


def _multiplier(trades: pd.DataFrame) -> Floats:
    return np.where(trades["strike"].notna(), float(OPTION_MULTIPLIER), 1.0)


def _fills(trades: pd.DataFrame, symbols: "pd.Series[str]", units: Floats) -> pd.DataFrame:
    held = pd.Series(units).groupby(symbols).sum().reindex(trades["symbol"]).fillna(0.0).to_numpy()
    quantity = trades["quantity"].to_numpy(dtype=float)
    after = held + quantity
    flow = -quantity * _multiplier(trades) * trades["trade_price"].to_numpy(dtype=float)
    nothing = np.abs(after) <= _WHOLE * np.abs(quantity)
    return trades.assign(cash_change=flow, held_before=held, held_after=np.where(nothing, 0.0, after))


def _check_ratios(lots: pd.DataFrame, ratio: Floats, traded: Bools) -> None:
    unknown = lots[np.isnan(ratio) & traded]
    if len(unknown):
        raise InputError(
            f"{unknown['symbol'].iloc[0]}: the ratio of a split since its entry is not known; add it to the "
            "corporate actions, or leave the trade out"
        )


def _check_contracts(trades: pd.DataFrame, opened: Floats, lots: pd.DataFrame, ratio: Floats) -> None:
    adjusted = lots.loc[(ratio != 1) & lots["strike"].notna().to_numpy(), "symbol"]
    wrong = trades[trades["symbol"].isin(adjusted).to_numpy() & (opened != 0)]
    if len(wrong):
        raise InputError(
            f"{wrong['symbol'].iloc[0]}: the held contracts were adjusted by a split since entry; close no "
            "more than is held, and trade new contracts by the symbol that they have now"
        )
