"""The lots and transactions of a ledger with what its options delivered."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.account.delivery.due import due
from sigmasight_core.account.entries import DELIVERED, Entries, entries
from sigmasight_core.account.lots import Pieces, pieces
from sigmasight_core.account.lots import positions as positions_of
from sigmasight_core.account.netting import netted
from sigmasight_core.arrays.found import found_in
from sigmasight_core.positions.held import NOTE, PIECE_OF, is_option
from sigmasight_core.tables.ledger import Transactions

_HELD: Final = "transfer_in"
"""What lots that are held come in as: a kind that `netted` leaves as it is."""
_COLUMNS: Final = list(Transactions.to_schema().columns)
_TEXTS: Final = (
    *("portfolio", "transaction_id", "kind", "symbol", "lot", "parent", "note", "source"),
    *("external_id", "inferred"),
)


class Settled(NamedTuple):
    """A ledger with its deliveries."""

    positions: pd.DataFrame
    """Rows of `tables.Positions` with `held.PIECE_OF` and `held.NOTE`."""
    transactions: pd.DataFrame
    """Rows of `tables.Transactions`: exercises, assignments, and the shares at the strike; all `inferred`."""

    def with_transactions(self, stored: pd.DataFrame) -> pd.DataFrame:
        """The stored transactions and those of the deliveries."""
        return pd.concat([stored, self.transactions], ignore_index=True) if len(self.transactions) else stored


def with_deliveries(
    *,
    positions: pd.DataFrame,
    options: pd.DataFrame,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
) -> Settled:
    """Turn options that ended in the money into shares.

    The option is held, at its intrinsic value, until the session after its last one. On that it closes at
    nothing, and its shares are bought or sold at the strike: first in first out against the lots that no
    exit ends, by the net quantity; what exceeds them opens a lot, long or short, named
    symbol@date/OPTION. So value, income and P&L are those of the shares from the last session's close on.

    A lot of which a part is delivered is one row until that session, see `held.held_positions`.

    :param positions: rows of `tables.Positions`. :param options: of `due.settled_options`.
    :param prices: and `corporate_actions`: see `due.due`.
    """
    ended = due(options=options, prices=prices, corporate_actions=corporate_actions)
    plain = positions.assign(**{PIECE_OF: "", NOTE: ""})
    plain.loc[ended.index, NOTE] = ended["note"].to_numpy(dtype=object)
    given = ended[(ended["shares"] != 0).to_numpy()]
    if given.empty:
        return Settled(plain, Transactions.empty())
    plain.loc[given.index, "exit_date"] = given["delivered_on"].to_numpy()
    plain.loc[given.index, "exit_price"] = 0.0
    plain.loc[given.index, NOTE] = _words(given).to_numpy(dtype=object)
    touched = found_in(plain, given, ["portfolio", "underlying"])
    touched &= ~is_option(plain) & plain["exit_date"].isna().to_numpy()
    held = _held(plain[touched])
    traded = netted(entries(_rows([held, _trades(given)]), corporate_actions=corporate_actions))
    opens = traded["kind"].isin(("buy", "short", _HELD))
    read = entries(traded.assign(lot=traded["lot"].where(opens, "")), corporate_actions=corporate_actions)
    made = pieces(read)
    shares = _with_notes(_named(positions_of(read, made), read, made), plain[touched], read, made)
    trades = traded[traded["kind"] != _HELD]
    return Settled(
        pd.concat([plain[~touched], shares], ignore_index=True),
        _rows([_endings(given), trades.assign(note="")]),
    )


def _held(lots: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "portfolio": lots["portfolio"],
            "transaction_id": lots["position_id"],
            "date": lots["entry_date"],
            "kind": _HELD,
            "symbol": lots["symbol"],
            "quantity": lots["quantity"],
            "price": lots["entry_price"],
            "lot": lots["position_id"],
            "note": lots["tags"],
            "source_line": 0,
        }
    )


def _trades(given: pd.DataFrame) -> pd.DataFrame:
    """The shares of each option at its strike; purchases of a day come first."""
    day = given["delivered_on"].dt.strftime("%Y-%m-%d")
    bought = (given["shares"] > 0).to_numpy()
    rows = pd.DataFrame(
        {
            "portfolio": given["portfolio"],
            "transaction_id": day + "/delivery/" + given["position_id"],
            "date": given["delivered_on"],
            "kind": np.where(bought, "buy", "sell"),
            "symbol": given["underlying"],
            "quantity": given["shares"].abs(),
            "price": given["at_strike"],
            "amount": -given["shares"] * given["at_strike"],
            "lot": given["underlying"] + "@" + day + "/" + given["position_id"],
            "note": given["tags"],
            "inferred": _reason(given),
        }
    )
    rows = rows.iloc[np.lexsort((given["position_id"], ~bought, given["delivered_on"]))]
    return rows.assign(source_line=np.arange(1, len(rows) + 1))


def _endings(given: pd.DataFrame) -> pd.DataFrame:
    day = given["delivered_on"].dt.strftime("%Y-%m-%d")
    kind = pd.Series(np.where(given["quantity"] > 0, "exercise", "assignment"), given.index, dtype="str")
    return pd.DataFrame(
        {
            "portfolio": given["portfolio"],
            "transaction_id": day + "/" + kind + "/" + given["position_id"],
            "date": given["delivered_on"],
            "kind": kind,
            "symbol": given["symbol"],
            "quantity": given["quantity"].abs(),
            "price": 0.0,
            "lot": given["position_id"],
            "source_line": 0,
            "inferred": _reason(given),
        }
    )


def _reason(given: pd.DataFrame) -> "pd.Series[str]":
    day = given["settled_on"].dt.strftime("%Y-%m-%d")
    return DELIVERED + ": " + given["symbol"] + " was in the money at the close of " + day


def _words(given: pd.DataFrame) -> "pd.Series[str]":
    done = pd.Series(np.where(given["quantity"] > 0, "exercised", "assigned"), given.index, dtype="str")
    return done + ", its shares change hands at the strike"


def _rows(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of `tables.Transactions`, with what the parts leave out."""
    absent = dict.fromkeys(("fees", "amount"), 0.0) | dict.fromkeys(_TEXTS, "")
    whole = [
        part.assign(**{name: value for name, value in absent.items() if name not in part})
        for part in parts
        if len(part)
    ]
    return pd.concat(whole, ignore_index=True).assign(source=DELIVERED)[_COLUMNS]


def _with_notes(rows: pd.DataFrame, held: pd.DataFrame, read: Entries, made: Pieces) -> pd.DataFrame:
    """The pieces of each lot with its notes; transactions have none."""
    notes = held.set_index(["portfolio", "position_id"])["notes"]
    lot = read.rows["lot"].to_numpy(dtype=object)[made.opening]
    return rows.assign(notes=notes.reindex([rows["portfolio"], lot]).to_numpy()).astype({"notes": "str"})


def _named(rows: pd.DataFrame, read: Entries, made: Pieces) -> pd.DataFrame:
    """The lots with the names of what opened them: the piece that ends last has the lot's own.

    So the rows of a date have the same names whatever is delivered later.
    """
    lot = read.rows["lot"].to_numpy(dtype=object)[made.opening]
    opening = pd.Series(made.opening)
    last = ~opening.duplicated(keep="last").to_numpy()
    several = opening.duplicated(keep=False).to_numpy()
    day = rows["exit_date"].dt.strftime("%Y-%m-%d").fillna("").to_numpy(dtype=object)
    ids = pd.Series(np.where(last, lot, lot + "/" + day), dtype="str")
    number = ids.groupby([rows["portfolio"], ids]).cumcount() + 1
    ids = ids.mask(number > 1, ids + "#" + number.astype("str"))
    note = np.where(made.closing >= 0, "delivered at the strike", "")
    texts = {"position_id": ids.to_numpy(dtype=object), PIECE_OF: np.where(several, lot, ""), NOTE: note}
    return rows.assign(**texts).astype(dict.fromkeys(texts, "str"))
