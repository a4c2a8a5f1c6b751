"""Gates: assertions on rows before they are published. Blocking ones stop the publication."""

from typing import Any

import pandas as pd

from sigmasight_core.conventions import IMPLAUSIBLE_SIGMA, OK
from sigmasight_core.options import audit as greeks_audit
from sigmasight_core.options import occ
from sigmasight_core.tables import (
    DailyPrices,
    FactorModelDiagnostics,
    PositionGreeks,
    PositionValues,
    PriceDifferences,
    StressResults,
)
from sigmasight_dagster.engine.declaration import Gate, GateResult

AUDIT_ROWS_PER_PARTITION = 2
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


def _positions_are_priced(values: pd.DataFrame) -> GateResult:
    unpriced = values[values["price"].isna()]
    stale = values[values["price_age_days"].fillna(0) > 0]
    return GateResult(
        passed=unpriced.empty and stale.empty,
        metadata={
            "rows": len(values),
            "unpriced_rows": len(unpriced),
            "stale_rows": len(stale),
            "unpriced_symbols": ", ".join(sorted(unpriced["symbol"].unique())[:20]),
        },
    )


def _greeks_agree_with_mibian(greeks: pd.DataFrame) -> GateResult:
    options = greeks.reset_index(names="row").query("status == 'ok'")
    sample = options.groupby(["date", "portfolio"]).head(AUDIT_ROWS_PER_PARTITION)
    if sample.empty:
        return GateResult(True, {"rows_audited": 0, "reason": "no live option in these partitions"})
    contracts = occ.parse_occ(sample["position_id"].str.partition("@")[0])
    try:
        audit = greeks_audit.audit_greeks(sample.assign(is_call=contracts["is_call"]))
    except greeks_audit.AuditorMissingError as error:
        return GateResult(False, {"rows_audited": 0, "reason": str(error)}, inconclusive=True)
    audited = (audit["status"] == OK).to_numpy()
    differences = audit["relative_difference"].to_numpy(dtype=float)
    bad = audited & ~(differences <= greeks_audit.TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows_audited": int(audited.sum()),
            "largest_relative_difference": float(differences[audited].max(initial=0.0)),
            "tolerance": greeks_audit.TOLERANCE,
            "bad_rows": int(bad.sum()),
        },
        rows=sample["row"].to_numpy()[bad].tolist(),
    )


def _stress_is_plausible(results: pd.DataFrame) -> GateResult:
    implausible = results[results["plausibility_sigma"] > IMPLAUSIBLE_SIGMA]
    return GateResult(
        passed=implausible.empty,
        metadata={
            "rows": len(results),
            "above_6_sigmas": len(implausible),
            "scenarios": ", ".join(sorted(implausible["scenario"].unique())),
            "largest_sigma": float(results["plausibility_sigma"].max()) if len(implausible) else 0.0,
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
POSITIONS_ARE_PRICED = Gate(
    "positions_are_priced",
    "Every position has a price of its own session; unpriced ones are NULL with a status",
    PositionValues,
    _positions_are_priced,
)
GREEKS_AGREE_WITH_MIBIAN = Gate(
    "greeks_agree_with_mibian",
    "A sample of each partition's options, computed again by mibian, differs by less than 1e-8",
    PositionGreeks,
    _greeks_agree_with_mibian,
    blocking=True,
)
STRESS_IS_PLAUSIBLE = Gate(
    "stress_is_plausible",
    "No scenario's shocks are more than 6 sigmas from today's one-year covariance",
    StressResults,
    _stress_is_plausible,
)
FACTORS_ARE_NOT_COLLINEAR = Gate(
    "factors_are_not_collinear",
    "No two raw factors correlate above 0.8 and no variance inflation exceeds 10. Betas are estimated on the "
    "orthogonal state either way; the warning says which factors are nearly one bet",
    FactorModelDiagnostics,
    _factors_are_not_collinear,
)
