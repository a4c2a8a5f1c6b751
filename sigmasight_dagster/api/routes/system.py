"""/system: how the server does."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from sigmasight_dagster.api.errors import RETRY_SECONDS
from sigmasight_dagster.api.services import Use
from sigmasight_dagster.warehouse.errors import WarehouseError

router = APIRouter(prefix="/system", tags=["system"])


class Health(BaseModel):
    """How the server does."""

    status: Literal["ok", "degraded"] = Field(description="degraded: the database does not answer")
    database: Literal["ok", "unavailable"]


@router.get(
    "/health",
    summary="Whether the server and its database answer",
    responses={503: {"model": Health, "description": "The database does not answer"}},
)
async def health(use: Use, response: Response) -> Health:
    """For probes: needs no token, and is not counted."""
    try:
        await use.pool.rows("SELECT 1")
    except WarehouseError:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return Health(status="degraded", database="unavailable")
    return Health(status="ok", database="ok")
