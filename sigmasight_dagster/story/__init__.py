"""What the UI shows of each partition, counts, key figures, a preview of the rows, a plot; column lineage.

Here belongs how a partition is told in Dagster's metadata. Not here: what is told of which table, which its
asset declares (`stories`), and what its columns are computed from, which its row model says (`of`).
"""

from sigmasight_dagster.story.declared import Story
from sigmasight_dagster.story.lineage import column_lineage
from sigmasight_dagster.story.metadata import materialized, of_partitions
from sigmasight_dagster.story.pages import links

__all__ = ["Story", "column_lineage", "links", "materialized", "of_partitions"]
