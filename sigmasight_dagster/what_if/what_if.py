"""What-if: the declared portfolio assets, computed in memory for a portfolio with and without trades.

Both sides are portfolios of one batch and go through the assets' own compute functions. Market tables come
from the warehouse, portfolio tables from what has been computed so far; nothing is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Final

import pandas as pd

from sigmasight_core.account.delivery.lots import Settled
from sigmasight_core.account.positions_file import with_derived
from sigmasight_core.errors import DataQualityError, InputError
from sigmasight_core.tables import (
    DailyPrices,
    Grain,
    PortfolioCash,
    PortfolioReports,
    Portfolios,
    PortfolioSnapshots,
    Positions,
    PositionValues,
    Table,
    Transactions,
    WhatIfResults,
    WhatIfSessions,
    WhatIfTrades,
    grain,
    primary_key,
    table_name,
    validate,
)
from sigmasight_core.what_if.comparison import compare
from sigmasight_core.what_if.trades import apply_trades, priced, trial_lots
from sigmasight_core.what_if.trades_csv import ParsedTrades, parse_trades_csv
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.positions import position_values
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.engine.settled_ledger import settled_ledger
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import UpstreamNotPublished
from sigmasight_dagster.warehouse.errors import unknown_portfolio

PORTFOLIO_ASSETS: Final = tuple(
    asset
    for asset in RISK_ASSETS
    if asset.grain is Grain.DATE_PORTFOLIO and PortfolioReports not in asset.tables
)

Computed = dict[type[Table], pd.DataFrame]


@dataclass(frozen=True)
class Ledger:
    """Positions and registry of the portfolios of a batch.

    :param history_of: registered portfolio whose published past and account each portfolio of the batch has.
    :param delivered: what options turned into up to the date; the positions have it already.
    :param cash_changes: USD that trades at the close add to the account of a portfolio.
    """

    positions: pd.DataFrame
    registry: pd.DataFrame
    history_of: str
    delivered: Settled
    cash_changes: Mapping[str, float] = field(default_factory=dict)

    @property
    def portfolios(self) -> tuple[str, ...]:
        return tuple(sorted(self.registry["portfolio"]))


class InMemoryBatch(Batch):
    """A batch of a ledger that is not stored: its portfolio tables are what was computed so far."""

    def __init__(
        self,
        asset: RiskAsset,
        platform: Platform,
        date: pd.Timestamp,
        first_date: pd.Timestamp,
        ledger: Ledger,
        computed: Mapping[type[Table], pd.DataFrame],
    ):
        super().__init__(asset, platform, pd.DatetimeIndex([date]), ledger.portfolios, first_date)
        self._ledger = ledger
        self._computed = computed

    def read(
        self, model: type[Table], columns: Sequence[str] | None = None, symbols: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """As `Batch.read`; of a portfolio table the rows computed so far, after the published past."""
        if grain(model) is not Grain.DATE_PORTFOLIO:
            return super().read(model, columns, symbols)
        before = self.sessions(model).difference(self.dates)
        rows = self._computed[model]
        if len(before):
            past = self._published_rows(model, before, (self._ledger.history_of,), None, None)
            pasts = [past.assign(portfolio=name).astype({"portfolio": "str"}) for name in self.portfolios]
            rows = pd.concat([*pasts, rows]).sort_values(primary_key(model), ignore_index=True)
        if symbols is not None:
            rows = rows[rows["symbol"].isin(symbols)].reset_index(drop=True)
        return rows.copy() if columns is None else rows[list(columns)]

    @cached_property
    def positions(self) -> pd.DataFrame:
        self._declared(Positions)
        return self._ledger.positions

    @cached_property
    def registry(self) -> pd.DataFrame:
        self._declared(Portfolios)
        return self._ledger.registry

    def _note_ledger(self) -> None:
        """The hypothetical portfolio is nobody's: what counts is that it is made from."""
        self._platform.warehouse.note_ledger(self._basis, (self._ledger.history_of,))

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """Those of the account of `history_of`, for each portfolio: the trades are at the close."""
        self._declared(Transactions)
        name, warehouse = self._ledger.history_of, self._platform.warehouse
        registered = warehouse.portfolios()
        rows = with_derived(
            transactions=warehouse.transactions([name]),
            positions=warehouse.positions([name]),
            portfolios=registered[registered["portfolio"] == name],
            first_date=self._first_date,
        )
        rows = self._ledger.delivered.with_transactions(rows)
        copies = [rows.assign(portfolio=other) for other in self.portfolios]
        return pd.concat(copies, ignore_index=True).astype({"portfolio": "str"})


@dataclass(frozen=True)
class Comparison:
    """A portfolio with and without trades.

    :param session: one row of `tables.WhatIfSessions` without its name and the date of saving.
    :param trades: `tables.WhatIfTrades` rows, in the order of the file, without the name of a session.
    :param results: `tables.WhatIfResults` rows without the name of a session.
    :param computed: the rows behind them, of the portfolio and of the hypothetical one.
    """

    session: pd.Series
    trades: pd.DataFrame
    results: pd.DataFrame
    computed: Computed

    def rows(self, saved_date: pd.Timestamp) -> Computed:
        """The rows to store."""
        session = self.session.to_frame().T.assign(saved_date=saved_date)
        return {WhatIfSessions: session, WhatIfTrades: self.trades, WhatIfResults: self.results}


class WhatIf:
    """Hypothetical trades in one portfolio at the close of one date.

    :raises InputError: if the portfolio is not registered or the date not published.
    """

    def __init__(self, platform: Platform, portfolio: str, date: pd.Timestamp):
        self._platform = platform
        self._portfolio = portfolio
        self._date = date
        self._first_date = session_dates.first_session(platform.settings)
        registry = platform.warehouse.portfolios()
        if portfolio not in set(registry["portfolio"]):
            raise unknown_portfolio(portfolio, registry["portfolio"].tolist())
        published = platform.warehouse.published(PortfolioSnapshots, (date, date), [portfolio])
        if published.empty:
            raise self._not_published("its results are not published")
        self._ledger = self._with_deliveries(registry[registry["portfolio"] == portfolio])

    def _with_deliveries(self, registry: pd.DataFrame) -> Ledger:
        """The lots of the date: what options turned into is in them, so that it is not done again."""
        stored = Batch(
            position_values,
            self._platform,
            pd.DatetimeIndex([self._date]),
            (self._portfolio,),
            self._first_date,
        )
        settled = settled_ledger(stored)
        lots = settled.positions[list(Positions.to_schema().columns)]
        return Ledger(lots, registry.assign(settlement=None), self._portfolio, settled)

    def parse(self, text: bytes, source: str) -> ParsedTrades:
        """Trades, errors and warnings of a trade list; symbols need a price on or shortly before the date."""
        prices = self._batch(position_values, self._ledger, {}).read(DailyPrices, ["symbol"])
        return parse_trades_csv(text, source, self._date, prices["symbol"].unique())

    def compute(self, trades: pd.DataFrame, source: str) -> Comparison:
        """Both sides and their comparison.

        :param trades: from `parse`, without errors. :param source: name of the file, for messages.
        :raises InputError: if a trade has no price.
        :raises UpstreamNotPublished: if a date that it needs is not published.
        :raises DataQualityError: if a table breaks its contract or fails a blocking gate.
        """
        try:
            return self._computed(trades, source)
        except UpstreamNotPublished as error:
            raise UpstreamNotPublished(str(self._not_published(str(error))), error.missing) from error

    def _computed(self, trades: pd.DataFrame, source: str) -> Comparison:
        name, date, cash = self._portfolio, self._date, float(self._ledger.registry["cash"].iloc[0])
        actions = self._batch(position_values, self._ledger, {}).corporate_actions
        at_prices = priced(trades=trades, values=self._trial_values(trades), source=source)
        other = "what-if" if name != "what-if" else "what-if-trades"
        after = apply_trades(
            positions=self._ledger.positions,
            cash=cash,
            trades=at_prices,
            corporate_actions=actions,
            portfolio=other,
            date=date,
        )
        registry = self._ledger.registry
        traded = registry.assign(portfolio=other, cash=after.cash)
        both = Ledger(
            pd.concat([self._ledger.positions, after.positions], ignore_index=True),
            pd.concat([registry, traded], ignore_index=True).astype({"portfolio": "str"}),
            name,
            self._ledger.delivered,
            {other: float(after.fills["cash_change"].sum())},
        )
        computed = self._walk(PORTFOLIO_ASSETS, both)
        results = compare(
            computed, name, other, [one.id for one in self._platform.scenarios if one.comparison]
        )
        session = {
            "portfolio": name,
            "trade_date": date,
            "trades_source": source,
            "n_trades": len(trades),
            "cash_change": float(after.fills["cash_change"].sum()),
            "code_version": version("sigmasight"),
        }
        columns = [column for column in WhatIfTrades.to_schema().columns if column != "session"]
        return Comparison(
            session=pd.Series(session, dtype=object),
            trades=after.fills[columns],
            results=results.assign(result=range(1, len(results) + 1)),
            computed=computed,
        )

    def _trial_values(self, trades: pd.DataFrame) -> pd.DataFrame:
        lots = trial_lots(trades, self._portfolio, self._date)
        trial = replace(self._ledger, positions=lots)
        return self._walk((position_values,), trial)[PositionValues]

    def _walk(self, assets: Sequence[RiskAsset], ledger: Ledger) -> Computed:
        """Rows of the assets' tables, each asset computed on those before it."""
        computed: Computed = {}
        for asset in assets:
            frames = asset.compute(self._batch(asset, ledger, computed))
            made = frames if isinstance(frames, tuple) else (frames,)
            computed |= {
                model: validate(model, _with_trades(model, frame, ledger))
                for model, frame in zip(asset.tables, made, strict=True)
            }
            _refuse_failed_gates(asset, computed)
        return computed

    def _batch(self, asset: RiskAsset, ledger: Ledger, computed: Computed) -> InMemoryBatch:
        return InMemoryBatch(asset, self._platform, self._date, self._first_date, ledger, computed)

    def _not_published(self, why: str) -> InputError:
        return InputError(
            f"portfolio {self._portfolio} on {self._date:%Y-%m-%d}: {why}; "
            f"sigmasight run {self._portfolio} --date {self._date:%Y-%m-%d}"
        )


def _with_trades(model: type[Table], rows: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Rows of an account with what the trades at the close pay for and bring; others as they are."""
    if model is not PortfolioCash:
        return rows
    change = rows["portfolio"].map(dict(ledger.cash_changes)).fillna(0.0).astype(float)
    return rows.assign(trades=rows["trades"] + change, closing=rows["closing"] + change)


def _refuse_failed_gates(asset: RiskAsset, computed: Computed) -> None:
    for gate in asset.gates:
        if gate.blocking:
            outcome = gate.evaluate(computed[gate.model])
            if not outcome.passed and not outcome.inconclusive:
                raise DataQualityError(
                    f"{table_name(gate.model)}: {gate.name} failed: {outcome.metadata}; report it as a defect"
                )
