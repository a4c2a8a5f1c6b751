"""The simulated P&L of portfolios as arrays that can be added."""

from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Ints, Singles, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.risk.parametric.factor_risk import NOT_FINITE


def simulated_pnl_rows(
    partitions: pd.DataFrame, *, pnl: Singles, known: Bools, n_obs: Ints, status: Texts
) -> pd.DataFrame:
    """Rows of `tables.SimulatedPnl`, one a partition.

    :param partitions: (G) date and portfolio. :param pnl: (G, N) simulated P&L, USD.
    :param known: (G) something can be said of the portfolio. :param n_obs: (G) scenarios, also where not.
    :param status: (G) of the simulation.
    """
    infinite = np.isinf(pnl).any(axis=1)
    unknown = infinite | ~known
    arrays: Any = np.empty(len(partitions), dtype=object)
    arrays[:] = list(pnl)
    arrays[unknown] = None
    words = np.where(unknown & (infinite | (status == OK)), NOT_FINITE, status)
    return partitions.assign(
        pnl=pd.Series(arrays, index=partitions.index, dtype=object),
        n_obs=np.where(unknown, n_obs, np.isfinite(pnl).sum(axis=1)),
        status=pd.array(words, dtype="str"),
    )
