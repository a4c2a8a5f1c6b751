"""Collinearity tables: how much the raw factors say the same."""

from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, key, label, value


class FactorCorrelations(DateTable):
    """Correlation of two factors' raw returns, before the state is made orthogonal; each pair once."""

    factor_1: Series[str] = key("Factor id, no later in the configuration than factor_2")
    factor_2: Series[str] = key("Factor id; the diagonal is included")
    correlation: Series[float] = value(
        "Zero-mean EWMA correlation (0.94) of the log returns, for rates of the yield changes",
        "fraction",
        ge=-1,
        le=1,
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0)
    flag: Series[str] = label(
        "'above 0.8' if |correlation| is, off the diagonal; else empty", isin=("", "above 0.8")
    )
    status: Series[str] = label("ok, or why the correlation is NULL")

    class Config:
        name = "factor_correlations"


class FactorModelDiagnostics(DateTable):
    """Collinearity of the raw factors on one date: why betas are estimated on an orthogonal state."""

    condition_number: Series[float] = value(
        "Largest over smallest eigenvalue of the equally weighted correlation matrix of the raw factors",
        "ratio",
        ge=1,
    )
    largest_vif: Series[float] = value("Largest variance inflation factor of a raw factor", "ratio", ge=1)
    largest_vif_factor: Series[str] = label("Factor id that has it; empty = none")
    n_factors: Series[int] = value("Factors with enough data on the date", "factors", ge=0)
    n_collinear_pairs: Series[int] = value("Pairs with |EWMA correlation| above 0.8", "pairs", ge=0)
    collinear_pairs: Series[str] = label("These pairs, strongest first: 'market~growth 0.96, ...'")
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0)
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "factor_model_diagnostics"
