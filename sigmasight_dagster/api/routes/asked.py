"""POST of /analytics: what no table has, computed for the caller by the core. Nothing is stored."""

from typing import Any, Final

import numpy as np
import pandas as pd
from fastapi import APIRouter

from sigmasight_core.options.pricing import option_values
from sigmasight_dagster.api.bodies.asked import Contracts, Greeks, Stress
from sigmasight_dagster.api.callers import Portfolio, Reader
from sigmasight_dagster.api.errors import described
from sigmasight_dagster.api.services import Use
from sigmasight_dagster.reports.ad_hoc_stress import ad_hoc_stress, chosen
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.what_if.documents import as_objects

router = APIRouter(prefix="/analytics", tags=["analytics"])

_TAKES: Final = (400, 401, 413, 422, 429, 503)


@router.post("/risk/greeks/calculate", summary="Price options", responses=described(*_TAKES))
async def calculate_greeks(body: Contracts, _: Reader, use: Use) -> list[Greeks]:
    """Price and Greeks of each contract, as the positions' are computed: trees or Black-Scholes by style."""
    terms = pd.DataFrame([contract.model_dump() for contract in body.contracts])

    def price() -> list[Greeks]:
        found = option_values(
            terms["spot"],
            terms["strike"],
            terms["years"],
            terms["rate"],
            terms["dividend_yield"],
            terms["volatility"],
            terms["is_call"],
            terms["style"] == "american",
        )
        columns = {name: getattr(found, name) for name in Greeks.model_fields}
        rows = zip(*(np.asarray(values, dtype=float) for values in columns.values()), strict=True)
        return [
            Greeks(
                **{
                    name: float(value) if np.isfinite(value) else None
                    for name, value in zip(columns, row, strict=True)
                }
            )
            for row in rows
        ]

    return await use.calculations.run(price)


@router.post("/risk/{portfolio}/stress", summary="Run scenarios", responses=described(404, 409, *_TAKES))
async def stress(body: Stress, portfolio: Portfolio, use: Use) -> list[dict[str, Any]]:
    """Scenarios on what is stored, as `sigmasight scenarios run`: rows as those of GET risk/.../scenarios."""

    def run() -> list[dict[str, Any]]:
        wanted = chosen(use.platform.scenarios, body.scenarios, body.category, body.severity)
        day = pd.Timestamp(body.date) if body.date else latest_date(use.warehouse, portfolio)
        return as_objects(ad_hoc_stress(use.platform, wanted, portfolio, day))

    return await use.calculations.run(run)
