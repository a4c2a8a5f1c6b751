"""What an asset may declare to be told of a table: key figures, which rows a preview shows first, a plot."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sigmasight_dagster.story import plots
from sigmasight_dagster.story.figures import Figure
from sigmasight_dagster.story.previews import all_rows


@dataclass(frozen=True)
class Story:
    """:param preview: columns of the preview; default: the key and the first values.
    :param preview_rows: puts the partition's rows in the order in which the preview shows them.
    """

    figures: tuple[Figure, ...] = ()
    preview: tuple[str, ...] = ()
    preview_rows: Callable[[pd.DataFrame], pd.DataFrame] = all_rows
    plot: plots.Plot | None = None
