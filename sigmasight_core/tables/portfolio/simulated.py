"""The P&L of every scenario of the historical simulation."""

from typing import Final

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, label, value, vector

N_SCENARIOS: Final = 504


class SimulatedPnl(PortfolioTable):
    """1-day P&L of the portfolio in each scenario of the filtered historical simulation, as one array.

    Element i is the scenario of one NYSE session: the last is the date itself, the first 503 sessions before
    it, the same for every portfolio of a date. So arrays of portfolios are added element by element: value at
    risk and expected shortfall of the sum are those of the merged portfolio. An element is NULL where an
    underlying that is held has no return on the session: it is no scenario of a sum either.
    """

    pnl: Series[object] = vector(
        "P&L of the 504 scenarios, oldest first; single precision, 7 digits",
        "USD",
        of="daily_prices.adjusted_close position_values.exposure position_values.quantity "
        "position_greeks.implied_volatility",
    )
    n_obs: Series[int] = value("Elements that are not NULL", "scenarios", ge=0, le=N_SCENARIOS, of="pnl")
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why the array is NULL")

    @pa.dataframe_check
    @classmethod
    def arrays_have_every_scenario(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """504 elements, of which n_obs are numbers and none is infinite."""
        known = rows["pnl"].notna().to_numpy()
        arrays = rows["pnl"].to_numpy(dtype=object)[known]
        sound = ~known
        sizes = np.array([len(array) for array in arrays], dtype=np.int64)
        if (sizes == N_SCENARIOS).all() and len(arrays):
            cells = np.stack(list(arrays)).astype(float)
            finite = np.isfinite(cells).sum(axis=1)
            sound[known] = (finite == rows["n_obs"].to_numpy()[known]) & ~np.isinf(cells).any(axis=1)
        return pd.Series(sound, index=rows.index)

    class Config:
        name = "simulated_pnl"
        # risk_measures says in the readiness whether there is a simulation
        metadata = {"facts": Facts(detail=True, readiness=())}
