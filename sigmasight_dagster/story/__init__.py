"""What the UI shows of each partition: counts, key figures, a preview of the rows, a plot."""

from sigmasight_dagster.story.lineage import column_lineage, direct_sources
from sigmasight_dagster.story.metadata import tell

__all__ = ["column_lineage", "direct_sources", "tell"]
