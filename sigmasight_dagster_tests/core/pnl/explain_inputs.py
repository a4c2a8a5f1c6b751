"""A `ledger_inputs.World` with factors, and its P&L explained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.pnl.explain import PnlExplain, pnl_explain
from sigmasight_core.pnl.factor_parts import FactorTables
from sigmasight_core.tables.base import validate
from sigmasight_core.tables.pnl import PortfolioPnlExplain, PositionPnlExplain
from sigmasight_dagster_tests.core.positions.ledger_inputs import MAX_AGE, PARAMETERS, World

CONFIG = FactorModelConfig.default({"market": "M", "value": "V", "growth": "G", "rates": "10Y"})
IDS = CONFIG.factor_ids
AVAILABLE = ("market", "value", "growth", "rates")
LOADINGS = {"market": (0.0, 0.0), "value": (0.9, 0.02), "growth": (1.1, -0.03), "rates": (2.0, 0.0)}


class Explained:
    """Factor moves by session (whole log moves, rates in percentage points) and betas by symbol."""

    def __init__(
        self,
        world: World,
        betas: Mapping[str, Mapping[str, float]],
        moves: Mapping[str, Any] | None = None,
    ) -> None:
        self.world = world
        count = len(world.sessions)
        self.moves = {name: np.zeros(count) for name in AVAILABLE} | {
            name: np.asarray(values, dtype=float) for name, values in (moves or {}).items()
        }
        self.loadings = dict(LOADINGS)
        self.betas = betas
        self.without_betas: list[tuple[int, str]] = []

    def tables(self) -> FactorTables:
        dates = self.world.sessions
        betas = [
            (d, symbol, f, by_factor.get(f, 0.0) if f in self.loadings else np.nan)
            for n, d in enumerate(dates)
            for symbol, by_factor in self.betas.items()
            for f in IDS
            if (n, symbol) not in self.without_betas
        ]
        state = [(d, f, *self.loadings.get(f, (np.nan, np.nan))) for d in dates for f in IDS]
        nothing = np.full(len(dates), np.nan)
        returns = [
            (d, f, move if f == "rates" else np.expm1(move))
            for f in IDS
            for d, move in zip(dates, self.moves.get(f, nothing), strict=True)
        ]
        return FactorTables(
            pd.DataFrame(betas, columns=["date", "symbol", "factor", "beta"]),
            pd.DataFrame(state, columns=["date", "factor", "market_loading", "rates_loading"]),
            pd.DataFrame(returns, columns=["date", "factor", "return"]),
        )

    def run(
        self, dates: pd.DatetimeIndex | None = None, portfolios: tuple[str, ...] = ("book",)
    ) -> PnlExplain:
        """Explain, and hold the output to the tables' contract."""
        world = self.world
        asked = world.sessions[1:] if dates is None else dates
        partitions = pd.MultiIndex.from_product([asked, portfolios], names=["date", "portfolio"])
        found = pnl_explain(
            sessions=world.sessions,
            position_values=world.values(asked),
            positions=world.positions,
            prices=world.prices,
            option_tables=world.option_tables,
            corporate_actions=world.actions,
            factors=self.tables(),
            config=CONFIG,
            parameters=PARAMETERS,
            max_price_age_days=MAX_AGE,
            partitions=partitions.to_frame(index=False),
        )
        return PnlExplain(
            validate(PositionPnlExplain, found.positions), validate(PortfolioPnlExplain, found.portfolios)
        )
