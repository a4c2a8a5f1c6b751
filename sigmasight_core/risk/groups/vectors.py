"""The simulated P&L of portfolios as arrays that can be added."""

from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.risk.decomposition import NOT_FINITE
from sigmasight_core.risk.historical_simulation import SimulatedRisk


def simulated_pnl_rows(partitions: pd.DataFrame, risk: SimulatedRisk) -> pd.DataFrame:
    """Rows of `tables.SimulatedPnl`, one a partition.

    :param partitions: date and portfolio, in the order of the risk.
    """
    infinite = np.isinf(risk.pnl).any(axis=1)
    unknown = infinite | np.isnan(risk.value_at_risk[:, 0])
    arrays: Any = np.empty(len(partitions), dtype=object)
    arrays[:] = list(risk.pnl)
    arrays[unknown] = None
    status = np.where(infinite, NOT_FINITE, risk.status)
    n_obs = np.where(unknown, risk.n_obs, np.isfinite(risk.pnl).sum(axis=1))
    return partitions.assign(
        pnl=pd.Series(arrays, index=partitions.index, dtype=object),
        n_obs=n_obs,
        status=pd.array(np.where(unknown & (status == OK), NOT_FINITE, status), dtype="str"),
    )
