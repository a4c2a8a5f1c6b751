"""Rate and dividend yields of the settings, for option pricing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats
from sigmasight_core.options.risk_free import RiskFreeRates

BY_YIELD: Final = "yield"
ESCROWED: Final = "escrowed"


@dataclass(frozen=True)
class OptionParameters:
    """Rate and dividend yields of option pricing, continuous and per year as fractions, and their sources.

    :param risk_free_rate: where there are no Treasury yields.
    :param dividend_yields: by underlying; these come before what was paid.
    :param default_dividend_yield: of an underlying whose dividends are not known.
    :param dividend_model: `BY_YIELD`, or `ESCROWED`: in cash where they are known (`cash_dividends`).
    """

    risk_free_rate: float
    risk_free_rate_source: str
    dividend_yields: Mapping[str, float]
    default_dividend_yield: float
    dividend_yield_source: str
    dividend_model: str = BY_YIELD

    def rates(self, yields: pd.DataFrame) -> RiskFreeRates:
        """Rates from `tables.TreasuryYields` rows, with this rate where there are none."""
        return RiskFreeRates.of(yields, self.risk_free_rate, self.risk_free_rate_source)

    def yields_of(self, names: pd.Index) -> Floats:
        """The settings' dividend yield of each underlying."""
        default = self.default_dividend_yield
        return np.array([self.dividend_yields.get(name, default) for name in names], dtype=float)
