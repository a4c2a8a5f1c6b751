"""How a calculation becomes an asset: `@risk_asset` declares its tables, inputs and gates; nothing runs here.

`dagster_assets` turns the declarations into Dagster assets; `publish` runs them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import PRICE_LOOK_BACK_SESSIONS
from sigmasight_core.tables import DailyPrices, Grain, Kind, Positions, Table, facts, grain, table_name
from sigmasight_dagster.story import Story

Frames = pd.DataFrame | tuple[pd.DataFrame, ...]
Compute = Callable[[Any], Frames]
"""Rows of an asset's tables from a `batch.Batch`, which is built on this module and not known to it."""


@dataclass(frozen=True)
class Input:
    """A table that a calculation reads; the ledger (Portfolios, Positions) has no sessions.

    :param look_back: sessions before the first requested date that it needs as well.
    :param carried_prices: prices, each of which counts until the symbol's next one; sets the look-back to
        PRICE_LOOK_BACK_SESSIONS. A changed one then concerns the sessions up to the next and no others.
    :param factor_window: `with_factor_window` sets its look-back to the window of the factor model.
    :param since_entry: it needs every session since the earliest entry of the portfolios' positions.
    :param published_only: of the sessions before the first requested date it takes what is published, and
        asks for no more; the requested dates are needed as ever.
    :param newest: of each date it takes the newest published partition with rows within the look-back, by
        `Batch.newest`, and asks for none.
    :param advisory: it is published first, and what is fetched is held against it (`doubts`); no row follows
        from it, so that a change of it makes none stale.
    :param benchmark: it is read of the symbol too that a portfolio is held against: a change of that symbol
        concerns the portfolio, in the tables that are held against it.
    :param holdings: the same of the symbols that its benchmark holds.
    :param interest_on_cash: only needed where a setting says that cash earns or costs something:
        `with_interest_on_cash` leaves it out else.
    :param deliveries: closes at which options settle, of portfolios whose options turn into shares alone;
        read by `Batch.settlement_closes`, beside another window of the same table.
    """

    model: type[Table]
    look_back: int = 0
    since_entry: bool = False
    published_only: bool = False
    newest: bool = False
    factor_window: bool = False
    carried_prices: bool = False
    advisory: bool = False
    interest_on_cash: bool = False
    deliveries: bool = False
    benchmark: bool = False
    holdings: bool = False

    def __post_init__(self) -> None:
        if self.newest:
            object.__setattr__(self, "published_only", True)
        if self.carried_prices:
            if self.model is not DailyPrices or self.look_back not in (0, PRICE_LOOK_BACK_SESSIONS):
                raise TypeError("carried_prices is of DailyPrices, and sets the look-back itself")
            object.__setattr__(self, "look_back", PRICE_LOOK_BACK_SESSIONS)


@dataclass(frozen=True)
class GateResult:
    """Outcome of a gate.

    :param metadata: the numbers behind it.
    :param rows: positions of the offending rows.
    :param inconclusive: it could not be evaluated; then even a blocking gate only warns.
    """

    passed: bool
    metadata: dict[str, Any] = field(default_factory=dict)
    rows: Sequence[int] = ()
    inconclusive: bool = False


def not_judged(error: Exception) -> dict[str, Any]:
    """Metadata of a gate, or of a standing check, that raised: why nobody knows how things are."""
    return {"could_not_be_judged": f"{type(error).__name__}: {' '.join(str(error).split())}"}


@dataclass(frozen=True)
class Gate:
    """An assertion on the rows of one table, evaluated before they are published.

    A blocking gate that fails stops the publication; any other is a warning.
    """

    name: str
    description: str
    model: type[Table]
    evaluate: Callable[[pd.DataFrame], GateResult]
    blocking: bool = False


@dataclass(frozen=True)
class RiskAsset:
    """Declaration of one computation and the tables that it publishes together.

    :param stories: what the UI tells of a table beyond its counts and a preview.
    :param judged: what is in doubt of its rows is kept out before they are published (`doubts`).
    :param page: file of `docs/` that explains the calculation; '' = the data dictionary alone.
    """

    name: str
    compute: Compute
    tables: tuple[type[Table], ...]
    inputs: tuple[Input, ...]
    group: str
    description: str
    gates: tuple[Gate, ...] = ()
    stories: Mapping[type[Table], Story] = field(default_factory=dict, hash=False)
    judged: bool = False
    page: str = ""

    @property
    def grain(self) -> Grain:
        return grain(self.tables[0])

    @property
    def table_names(self) -> tuple[str, ...]:
        return tuple(table_name(model) for model in self.tables)

    @property
    def is_source(self) -> bool:
        """Whether a provider gives the rows."""
        return facts(self.tables[0]).kind is Kind.SOURCE

    @property
    def weekly(self) -> bool:
        """Whether daily operation leaves it out but on the last session of a week."""
        return facts(self.tables[0]).weekly

    @property
    def only_fetches(self) -> bool:
        """Whether it is a source that reads no table of another asset; the ledger is none."""
        read = (item for item in self.inputs if not item.advisory)
        return self.is_source and all(facts(item.model).kind is Kind.LEDGER for item in read)


def with_factor_window(assets: Iterable[RiskAsset], sessions: int) -> tuple[RiskAsset, ...]:
    """The assets with the configured window of the factor model in the inputs that look back over it."""
    return tuple(
        replace(
            asset,
            inputs=tuple(
                replace(item, look_back=sessions) if item.factor_window else item for item in asset.inputs
            ),
        )
        for asset in assets
    )


def with_interest_on_cash(assets: Iterable[RiskAsset], accrues: bool) -> tuple[RiskAsset, ...]:
    """The assets with what interest on cash needs, or without it."""
    return tuple(
        replace(asset, inputs=tuple(item for item in asset.inputs if accrues or not item.interest_on_cash))
        for asset in assets
    )


def risk_asset(
    *tables: type[Table],
    inputs: Sequence[Input | type[Table]] = (),
    group: str,
    gates: Sequence[Gate] = (),
    stories: Mapping[type[Table], Story] | None = None,
    judged: bool = False,
    page: str = "",
) -> Callable[[Compute], RiskAsset]:
    """Declare the function below as the computation of `tables`; it returns their rows in that order."""
    if len({grain(model) for model in tables}) != 1:
        raise TypeError("tables that are published together need the same partitions")
    if not set(stories or {}) <= set(tables):
        raise TypeError("a story is told by the asset that publishes its table")

    declared = tuple(item if isinstance(item, Input) else Input(item) for item in inputs)
    if any(item.since_entry for item in declared) and Input(Positions) not in declared:
        raise TypeError("an input since the earliest entry needs Positions among the inputs")

    def declare(compute: Compute) -> RiskAsset:
        return RiskAsset(
            name=compute.__name__,
            compute=compute,
            tables=tables,
            inputs=declared,
            group=group,
            description=(compute.__doc__ or "").strip(),
            gates=tuple(gates),
            stories=stories or {},
            judged=judged,
            page=page,
        )

    return declare


def tolerated_gaps(n_sessions: int) -> int:
    """How many sessions of a look-back may be unpublished: two, or 5% of a long one."""
    return max(2, n_sessions // 20)


def window(
    item: Input, dates: pd.DatetimeIndex, first_date: pd.Timestamp, positions: pd.DataFrame | None
) -> pd.DatetimeIndex:
    """Sessions that an input needs for `dates`: its look-back, clipped at the project's first date.

    :param positions: the portfolios' ledger; only `since_entry` inputs need it.
    """
    start = calendar.shift_sessions(dates[0], -item.look_back) if item.look_back else dates[0]
    if item.since_entry and positions is not None and len(positions):
        start = min(start, positions["entry_date"].min())
    if not item.look_back and not item.since_entry:
        return dates
    return calendar.sessions(max(start, first_date), dates[-1])
