"""Run tags of SigmaSight: who started a run, and for what."""

from typing import Final

LAUNCHER_TAG: Final = "sigmasight/launcher"
"""host:pid:start time of the command that executes the run in its own process."""
LAYER_TAG: Final = "sigmasight/layer"
DAILY_TAG: Final = "sigmasight/daily"
"""Trading date of a run of daily operation."""
RETRY_OF_TAG: Final = "sigmasight/retry_of"
RETRY_DEPTH_TAG: Final = "sigmasight/retry_depth"
CORRECTION_TAG: Final = "sigmasight/correction"
"""When the latest change was made, for which a run computes stale partitions again."""
REFETCH_TAG: Final = "sigmasight/refetch"
"""The run asks sources again for what is stored and final (`sigmasight refresh`)."""
