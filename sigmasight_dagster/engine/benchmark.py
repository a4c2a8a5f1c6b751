"""What each portfolio of a batch is held against."""

import pandas as pd

from sigmasight_dagster.engine.batch import Batch


def benchmarks(batch: Batch) -> "pd.Series[str]":
    """Symbol by portfolio: its own, or the proxy of the market factor; 'none' without either.

    Of Portfolios, an input that the asset has to declare.
    """
    model = batch.factor_model
    own = batch.registry.set_index("portfolio")["benchmark"].reindex(list(batch.portfolios))
    return own.fillna(model.factors[model.market].proxy or "none").astype("str")
