"""Gates on market data and estimates: refused bars, sources that differ, factors that are one bet."""

from typing import Any

import pandas as pd

from sigmasight_core.market.plausibility.standing import is_masked
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    FactorModelDiagnostics,
    PriceDifferences,
)
from sigmasight_dagster.engine.declaration import Gate, GateResult

COLLINEAR_VIF = 10.0
LARGEST_PRICE_DIFFERENCE = 0.005


def _prices_are_sound(prices: pd.DataFrame) -> GateResult:
    refused = prices[prices["status"].str.startswith("refused: ")]
    reasons = refused["status"].str.removeprefix("refused: ").value_counts()
    return GateResult(
        passed=refused.empty,
        metadata={
            "rows": len(prices),
            "refused_rows": len(refused),
            "refused_by_reason": {str(reason): int(count) for reason, count in reasons.items()},
            "refused_symbols": ", ".join(sorted(refused["symbol"].unique())[:20]),
        },
    )


def _factors_are_not_collinear(diagnostics: pd.DataFrame) -> GateResult:
    pairs = diagnostics["n_collinear_pairs"]
    collinear = diagnostics[(pairs > 0) | (diagnostics["largest_vif"] > COLLINEAR_VIF)]
    metadata: dict[str, Any] = {
        "dates": len(diagnostics),
        "dates_with_collinear_factors": len(collinear),
    }
    if len(collinear):
        metadata |= {
            "largest_vif": float(diagnostics["largest_vif"].max()),
            "largest_condition_number": float(diagnostics["condition_number"].max()),
            "most_pairs_above_0.8": int(pairs.max()),
            "pairs_on_the_last_date": str(collinear["collinear_pairs"].iloc[-1]),
        }
    return GateResult(passed=collinear.empty, metadata=metadata)


PRICES_ARE_SOUND = Gate(
    "prices_are_sound",
    "No bar was refused (no close, zero, negative, contradicting, out of order, not in USD); a refused one "
    "is NULL with the reason",
    DailyPrices,
    _prices_are_sound,
)


def _plausible(rows: pd.DataFrame) -> GateResult:
    odd = rows[is_masked(rows)]
    first = odd.head(20)
    named = first["symbol"] + " " + first["date"].dt.strftime("%Y-%m-%d") + ": " + first["status"]
    metadata: dict[str, Any] = {"rows": len(rows), "doubtful_rows": len(odd)}
    if len(odd):
        metadata |= {"doubtful": "; ".join(named), "cure": "sigmasight doubtful list"}
    return GateResult(passed=odd.empty, metadata=metadata)


PRICES_ARE_PLAUSIBLE = Gate(
    "prices_are_plausible",
    "No price is contradicted by its neighbours in time, its adjusted close, range, volume or the splits "
    "told; one that is, is NULL with the reason until it is confirmed (docs/doubtful.md)",
    DailyPrices,
    _plausible,
)
ACTIONS_ARE_PLAUSIBLE = Gate(
    "actions_are_plausible",
    "Splits have a split's ratio and show in the closes, dividends are less than the price; others are kept "
    "out or counted as distributions until they are confirmed (docs/doubtful.md)",
    CorporateActions,
    _plausible,
)


def _prices_agree(differences: pd.DataFrame) -> GateResult:
    if differences.empty:
        reason = "no rows: SIGMASIGHT_CROSS_CHECK_SOURCE is not set"
        return GateResult(True, {"rows": 0, "reason": reason}, inconclusive=True)
    relative = differences["relative_difference"].abs()
    apart, one_sided = differences[relative > LARGEST_PRICE_DIFFERENCE], differences[relative.isna()]
    return GateResult(
        passed=apart.empty and one_sided.empty,
        metadata={
            "rows": len(differences),
            "above_0.5_percent": len(apart),
            "largest_relative_difference": float(relative.max()) if relative.notna().any() else "none",
            "without_one_of_the_closes": len(one_sided),
            "symbols": ", ".join(sorted({*apart["symbol"], *one_sided["symbol"]})[:20]),
        },
    )


PRICES_AGREE_ACROSS_SOURCES = Gate(
    "prices_agree_across_sources",
    "Closes differ by at most 0.5% from those of the cross-check source, and both have the same symbols",
    PriceDifferences,
    _prices_agree,
)
FACTORS_ARE_NOT_COLLINEAR = Gate(
    "factors_are_not_collinear",
    "No two raw factors correlate above 0.8 and no variance inflation exceeds 10. Betas are estimated on the "
    "orthogonal state either way; the warning says which factors are nearly one bet",
    FactorModelDiagnostics,
    _factors_are_not_collinear,
)
