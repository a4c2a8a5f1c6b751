"""What each portfolio is held against."""

import pandas as pd

from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_dagster.engine.batch import Batch


def benchmarks(batch: Batch) -> "pd.Series[str]":
    """Symbol by portfolio: its own, or the proxy of the market factor; 'none' without either.

    Of Portfolios, an input that the asset has to declare.
    """
    own = batch.registry.set_index("portfolio")["benchmark"].reindex(list(batch.portfolios))
    return or_market_proxy(own, batch.factor_model)


def or_market_proxy(own: "pd.Series[str]", model: FactorModelConfig) -> "pd.Series[str]":
    """The benchmarks of portfolios (`portfolios.benchmark`), the proxy of the market factor where NULL."""
    return own.fillna(model.factors[model.market].proxy or "none").astype("str")
