"""The factors as rows: what is configured, for those who read results and not settings."""

from typing import Final

import pandas as pd

from sigmasight_core.factors.config import FactorModelConfig, Kind

UNITS: Final[dict[Kind, str]] = {
    "market": "log return",
    "style": "log return",
    "rates": "percentage points",
}
DESCRIPTIONS: Final[dict[Kind, str]] = {
    "market": "The market: a beta is per unit of its log return",
    "style": "A style, beyond its part of the market and of rates: a beta is per unit of its own log return",
    "rates": "The 10-year Treasury yield, beyond its part of the market: a beta is per percentage point",
}


def factor_rows(config: FactorModelConfig) -> pd.DataFrame:
    """Rows of tables.Factors, all of them active."""
    return pd.DataFrame(
        {
            "factor": config.factor_ids,
            "position": range(1, len(config.factors) + 1),
            "kind": [factor.kind for factor in config.factors],
            "description": [DESCRIPTIONS[factor.kind] for factor in config.factors],
            "proxy": [factor.proxy or "" for factor in config.factors],
            "unit": [UNITS[factor.kind] for factor in config.factors],
            "prior_mean": [factor.prior_mean for factor in config.factors],
            "prior_std": [factor.prior_std for factor in config.factors],
            "active": "yes",
        }
    )
