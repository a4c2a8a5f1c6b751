"""Accounts for tests: transactions from short rows, what follows from them, and random accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.account.cash import PortfolioCash, portfolio_cash
from sigmasight_core.account.delivery.due import settled_options
from sigmasight_core.account.delivery.lots import with_deliveries
from sigmasight_core.account.entries import Entries, entries
from sigmasight_core.account.lots import Pieces, pieces, positions
from sigmasight_core.account.terms import CashTerms
from sigmasight_core.calendar import sessions
from sigmasight_core.positions.held import NOTE, PIECE_OF
from sigmasight_core.tables import CorporateActions, Positions, Transactions, TreasuryYields, validate
from sigmasight_dagster_tests.core.positions.ledger_inputs import MAX_AGE, World, none_of, option_of, typed

START = "2022-01-03"
BLANK: dict[str, Any] = {
    "portfolio": "book",
    "symbol": "",
    "quantity": 0.0,
    "price": np.nan,
    "fees": 0.0,
    "lot": "",
    "parent": "",
    "note": "",
    "source": "history.csv",
    "external_id": "",
    "inferred": "",
}
PAYS = {"sell": 1.0, "short": 1.0, "buy": -1.0, "cover": -1.0}


def entry(
    date: Any, kind: str, symbol: str = "", quantity: float = 0.0, price: float = np.nan, **more: Any
) -> dict:
    """One transaction; the amount of a trade is made from quantity, price and fees unless it is given."""
    row = BLANK | {"date": pd.Timestamp(date), "kind": kind, "symbol": symbol} | more
    row |= {"quantity": float(quantity), "price": price}
    multiplier = 100.0 if symbol and pd.notna(option_of(symbol)["compact"]) else 1.0
    trade = PAYS.get(kind, 0.0) * quantity * multiplier * (0.0 if np.isnan(price) else price)
    return {"amount": trade - row["fees"]} | row


def history(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of `tables.Transactions`, numbered as the lines of a file."""
    made = [
        {"transaction_id": f"{i:05d}/{row['kind']}", "source_line": i + 2} | dict(row)
        for i, row in enumerate(rows)
    ]
    return validate(Transactions, pd.DataFrame(made, columns=list(Transactions.to_schema().columns)))


def actions(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """Corporate actions from (ex-date, symbol, kind, amount)."""
    fixed = {"source": "test", "status": "ok"}
    return typed(
        CorporateActions,
        [
            {"date": pd.Timestamp(day), "symbol": symbol, "kind": kind, "amount": amount, **fixed}
            for day, symbol, kind, amount in rows
        ],
    )


class Account:
    """What follows from a history: entries, lots, cash, values, and the two sides of the gate."""

    def __init__(
        self,
        transactions: pd.DataFrame,
        closes: Mapping[str, Sequence[float]],
        corporate_actions: pd.DataFrame | None = None,
        margin: bool = False,
        terms: CashTerms | None = None,
        yields: pd.DataFrame | None = None,
        settlement: str = "cash",
    ) -> None:
        self.actions = none_of(CorporateActions) if corporate_actions is None else corporate_actions
        self.entries: Entries = entries(transactions, corporate_actions=self.actions)
        self.pieces: Pieces = pieces(self.entries)
        self.positions = validate(Positions, positions(self.entries, self.pieces))
        self.world = World(self.positions, closes, START, self.actions)
        self.sessions = self.world.sessions
        if settlement == "physical":
            self._deliver(transactions, self.sessions[-1])
        self.cash = validate(
            PortfolioCash,
            portfolio_cash(
                sessions=self.sessions,
                portfolios=pd.DataFrame({"portfolio": ["book"], "margin": [margin]}),
                entries=self.entries,
                positions=self.positions,
                prices=self.world.prices,
                corporate_actions=self.actions,
                yields=none_of(TreasuryYields) if yields is None else yields,
                terms=terms or CashTerms(),
                max_price_age_days=MAX_AGE,
            ),
        ).set_index("date")
        self.values = self.world.values()

    def _deliver(self, transactions: pd.DataFrame, until: pd.Timestamp) -> None:
        """The options of the history turn into shares up to a session."""
        said = pd.DataFrame({"portfolio": ["book"], "settlement": ["physical"]})
        self.delivered = with_deliveries(
            positions=self.positions,
            options=settled_options(positions=self.positions, portfolios=said, until=until),
            prices=self.world.prices,
            corporate_actions=self.actions,
        )
        validate(Positions, self.delivered.positions.drop(columns=[PIECE_OF, NOTE]))
        validate(Transactions, self.delivered.transactions)
        self.positions = self.world.positions = self.delivered.positions
        every = pd.concat([transactions, self.delivered.transactions], ignore_index=True)
        self.entries = entries(every, corporate_actions=self.actions)

    @property
    def total(self) -> pd.Series:
        """Value of positions and cash at each close."""
        held = self.values.groupby("date")["exposure"].sum().reindex(self.sessions, fill_value=0.0)
        return held + self.cash["closing"]

    @property
    def pnl(self) -> pd.Series:
        """Price P&L + dividends + interest - fees of each day."""
        price = self.values.groupby("date")["daily_pnl"].sum().reindex(self.sessions, fill_value=0.0)
        return price + self.cash[["dividends", "interest", "fees"]].sum(axis=1)

    @property
    def breaks(self) -> pd.Series:
        """What the change of the total is not explained by, as a fraction of the gross of the day."""
        gross = self.values.groupby("date")["market_value"].sum().reindex(self.sessions, fill_value=0.0)
        change = self.total.diff().fillna(self.total.iloc[0])
        return (change - self.pnl - self.cash["external_flow"]) / np.maximum(gross, 1.0)


class RandomAccount:
    """A random history, day by day, and the cash that a plain ledger in a loop has at each close."""

    NAMES = ("A", "B", "C")

    def __init__(self, seed: int, n_sessions: int = 40, margin: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.sessions = sessions(START, "2023-12-29")[:n_sessions]
        self.margin = margin
        self._market()
        self.rows: list[dict[str, Any]] = []
        self.held: dict[str, float] = {}
        self.cash, self.closing, self.inferred = 0.0, [], []
        self.due: dict[int, float] = {}
        for at in range(n_sessions):
            self._day(at)

    def _market(self) -> None:
        steps = self.rng.normal(0.0, 0.03, (len(self.sessions), len(self.NAMES)))
        wide = 50.0 * np.exp(steps.cumsum(axis=0))
        self.splits = {name: int(self.rng.integers(5, len(self.sessions) - 5)) for name in self.NAMES[:2]}
        self.ratio = {"A": 2.0, "B": 0.25}
        for column, name in enumerate(self.NAMES[:2]):
            wide[self.splits[name] :, column] /= self.ratio[name]
        self.closes = {name: wide[:, column] for column, name in enumerate(self.NAMES)}
        self.dividends = {
            (int(day), name): round(float(amount), 2)
            for name in self.NAMES
            for day, amount in zip(
                self.rng.choice(np.arange(1, len(self.sessions)), 3, replace=False),
                self.rng.uniform(0.1, 2.0, 3),
                strict=True,
            )
        }
        made = [
            (str(self.sessions[self.splits[n]].date()), n, "split", self.ratio[n]) for n in self.NAMES[:2]
        ]
        paid = [(str(self.sessions[d].date()), n, "dividend", a) for (d, n), a in self.dividends.items()]
        self.actions = actions(*made, *paid)
        # a strike of before the split is the symbol of the contract, whatever the split makes of it
        self.expiry = int(self.rng.integers(len(self.sessions) // 2, len(self.sessions) - 2))
        day = f"{self.sessions[self.expiry]:%y%m%d}"
        self.options = [f"{name}{day}{kind}00050000" for name in self.NAMES for kind in "CP"]

    def _day(self, at: int) -> None:
        for name, day in self.splits.items():
            for symbol in [s for s in self.held if day == at and self._underlying(s) == name]:
                self.held[symbol] *= self.ratio[name]
        flow = self.due.pop(at, 0.0)
        for name in self.NAMES:
            flow += self.held.get(name, 0.0) * self.dividends.get((at, name), 0.0)
        stated = None
        for _ in range(int(self.rng.integers(0, 4)) if at else 0):
            made, stated_now = self._transaction(at)
            flow += made
            stated = stated_now if stated_now is not None else stated
        flow += self._expire(at)
        self.cash += flow
        added = 0.0 if self.margin else max(0.0, -self.cash)
        self.cash += added
        self.inferred.append(added)
        self.cash = self.cash if stated is None else stated
        self.closing.append(self.cash)

    def _transaction(self, at: int) -> tuple[float, float | None]:
        """Add one; its effect on cash, and a stated balance."""
        kinds = ["buy", "buy", "sell", "short", "cover", "deposit", "withdrawal", "fee", "tax", "statement"]
        kind = str(self.rng.choice([*kinds, "transfer_in", "transfer_out", "split_off"]))
        date = self.sessions[at]
        if kind in ("deposit", "withdrawal", "fee", "tax", "statement"):
            amount = round(float(self.rng.uniform(1.0, 3000.0)), 2) * (
                1 if kind in ("deposit", "statement") else -1
            )
            self.rows.append(entry(date, kind, amount=amount))
            return (0.0, amount) if kind == "statement" else (amount, None)
        opens = kind in ("buy", "short", "transfer_in", "split_off")
        side = -1.0 if kind in ("short", "cover") else 1.0
        symbol = self._choose(at, opens, side, in_kind=kind.startswith(("transfer", "split")))
        if symbol is None:
            return 0.0, None
        held = self.held.get(symbol, 0.0)
        size = (
            float(self.rng.integers(1, 20)) if opens else abs(held) * float(self.rng.choice([1.0, 0.5, 0.3]))
        )
        price = round(float(self.rng.uniform(0.5, 80.0)), 2)
        fees = round(float(self.rng.uniform(0.0, 5.0)), 2) if kind in PAYS else 0.0
        made = entry(
            date, kind, symbol, size, price, fees=fees, **({"parent": "C"} if kind == "split_off" else {})
        )
        self.rows.append(made)
        self.held[symbol] = held + side * size * (1 if opens else -1)
        return made["amount"], None

    def _choose(self, at: int, opens: bool, side: float, in_kind: bool) -> str | None:
        """A symbol that can be opened on that side (no name is both long and short), or closed."""
        names = [*self.NAMES, *(() if in_kind or at >= self.expiry else self.options)]
        held = {name: self.held.get(name, 0.0) * side for name in names}
        able = [name for name in names if (held[name] > -1e-9 if opens else held[name] > 1e-9)]
        return str(self.rng.choice(able)) if able else None

    def _expire(self, at: int) -> float:
        """Options end: some by a transaction, the others by themselves, which pays a session later."""
        if at != self.expiry:
            return 0.0
        flow = 0.0
        for symbol in self.options:
            held = self.held.pop(symbol, 0.0)
            if abs(held) < 1e-9:
                continue
            name = self._underlying(symbol)
            split = name in self.splits and self.splits[name] <= at
            strike = self._strikes(symbol, at) if split else None
            value = self._settled(symbol, at, held) if strike is None else strike
            if self.rng.random() < 0.5 and not split:
                price = abs(value / (100 * held))
                made = entry(self.sessions[at], "expiry", symbol, abs(held), price, amount=value)
                self.rows.append(made)
                flow += value
            else:
                self.due[at + 1] = self.due.get(at + 1, 0.0) + value
        return flow

    def _settled(self, symbol: str, at: int, held: float) -> float:
        spot, sign = self.closes[self._underlying(symbol)][at], 1.0 if "C" in symbol[7:8] else -1.0
        return held * 100 * max(sign * (spot - 50.0), 0.0)

    def _strikes(self, symbol: str, at: int) -> float:
        """Of a name that split: lots of before it have another strike than those of after it."""
        name, sign = self._underlying(symbol), 1.0 if "C" in symbol[7:8] else -1.0
        spot, total = self.closes[name][at], 0.0
        for lot, day in self._open_lots(symbol):
            ratio = self.ratio[name] if day < self.splits[name] else 1.0
            total += lot * ratio * 100 * max(sign * (spot - 50.0 / ratio), 0.0)
        return total

    def _open_lots(self, symbol: str) -> list[tuple[float, int]]:
        """Lots (signed, of their day, and the day), first in first out by a loop."""
        name, lots = self._underlying(symbol), []
        for made in self.rows:
            if made["symbol"] != symbol:
                continue
            day = int(self.sessions.get_loc(made["date"]))
            unit = self.ratio[name] if day < self.splits[name] else 1.0
            if made["kind"] in ("buy", "short"):
                lots.append([made["quantity"] * unit * (1 if made["kind"] == "buy" else -1), day])
                continue
            left = made["quantity"] * unit
            for lot in lots:
                taken = min(abs(lot[0]), left)
                lot[0] -= np.sign(lot[0]) * taken
                left -= taken
        return [
            (lot / (self.ratio[name] if day < self.splits[name] else 1.0), day)
            for lot, day in lots
            if abs(lot) > 1e-9
        ]

    @staticmethod
    def _underlying(symbol: str) -> str:
        return symbol[0]

    def account(self, settlement: str = "cash") -> Account:
        return Account(history(*self.rows), self.closes, self.actions, self.margin, settlement=settlement)
