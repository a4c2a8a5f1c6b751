"""Settings of upkeep: how long what grows is kept, and how much room is left on the disk."""

from pydantic import Field
from pydantic_settings import BaseSettings

_FOR_EVER = "0 = for ever"


class UpkeepSettings(BaseSettings):
    """How long what grows is kept (docs/growth.md), and the room that is left on the disk."""

    keep_detail_days: int = Field(
        default=1_830,
        description=f"Calendar days before the newest snapshot of which rows by position, pair or holding "
        f"are kept; {_FOR_EVER}",
        ge=0,
    )
    keep_history_days: int = Field(
        default=365,
        description="Days for which it is kept what source rows were before they changed, and what was "
        f"refused; reads as of an earlier moment are refused then; {_FOR_EVER}",
        ge=0,
    )
    keep_runs_days: int = Field(
        default=180,
        description="Days for which ended runs are kept with their events, checks and captured output. What "
        f"the UI shows of partitions stays in any case; {_FOR_EVER}",
        ge=0,
    )
    keep_alerts_days: int = Field(
        default=365, description=f"Days for which alerts and their deliveries are kept; {_FOR_EVER}", ge=0
    )
    min_free_mb: int = Field(
        default=500,
        description="No run publishes while the disk of the state directory has less room than this (MB); "
        "0 = do not look",
        ge=0,
    )
