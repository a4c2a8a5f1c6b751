"""What Dagster loads (workspace.yaml, `dg`, images): the definitions for the settings of now."""

from sigmasight_dagster.garbage import no_collections

with no_collections(for_good=True):
    from sigmasight_dagster.code_location import build_definitions
    from sigmasight_dagster.settings import Settings

    defs = build_definitions(Settings())

__all__ = ["build_definitions", "defs"]
