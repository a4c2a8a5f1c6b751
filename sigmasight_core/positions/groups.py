"""Groups of positions: by tag, sector, industry, underlying, position type and asset class, all at once.

A position is in one group of each dimension, but of `tag` in as many as it has tags: it counts fully in each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.positions.held import is_option, partition_frame, partition_numbers
from sigmasight_core.positions.tags import tags_of_rows
from sigmasight_core.tables.portfolio.groups import DIMENSIONS

TAG: Final = "tag"
PARTITIONING: Final = tuple(name for name in DIMENSIONS if name != TAG)
"""Dimensions whose groups hold each position once: their sums are those of the portfolio."""
UNCLASSIFIED: Final = "unclassified"


@dataclass(frozen=True)
class Groups:
    """Groups (g) of the rows (R) of position_values, and the pairs (M) of a row and a group."""

    partitions: pd.DataFrame
    """(G) distinct date and portfolio, sorted."""
    partition: Ints
    """(g) row of `partitions`, rising."""
    names: pd.DataFrame
    """(g) dimension and group_name, sorted within a partition."""
    row: Ints
    """(M) rows of position_values, rising within a group."""
    group: Ints
    """(M) rising."""

    @classmethod
    def of(
        cls, partitions: pd.DataFrame, *, position_values: pd.DataFrame, securities: pd.DataFrame
    ) -> "Groups":
        """Every group that a row of position_values is in.

        :param partitions: date and portfolio of everything wanted.
        :param position_values: rows of tables.PositionValues. :param securities: rows of
            tables.SecurityMaster; what it does not know is 'unclassified', or of asset class 'unknown'.
        :raises InputError: on a position outside of the partitions.
        """
        wanted = partition_frame(partitions)
        partition = partition_numbers(wanted, position_values)
        rows, codes, labels = _labelled(position_values, securities)
        size = max(len(labels), 1)
        present, group = np.unique(partition[rows] * size + codes, return_inverse=True)
        order = np.argsort(group, kind="stable")
        of_partition, label = np.divmod(present, size)
        return cls(
            partitions=wanted,
            partition=of_partition,
            names=pd.DataFrame(
                {name: _repeated(labels[name], label) for name in ("dimension", "group_name")}
            ),
            row=rows[order],
            group=group[order],
        )

    @property
    def keys(self) -> pd.DataFrame:
        """(g) date, portfolio, dimension, group_name."""
        return self.partitions.take(self.partition).reset_index(drop=True).join(self.names)

    def sums(self, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Sums (g) of columns (R) over what is known of them; NaN where nothing is."""
        values = np.stack(list(columns.values()), axis=1)
        known = np.isfinite(values)
        ones = np.ones(len(self.row))
        total, count = (
            summed(cells, self.row, ones, self.group, len(self.partition))
            for cells in (np.where(known, values, 0.0), known.astype(float))
        )
        return dict(zip(columns, np.where(count > 0, total, np.nan).T, strict=True))


def _repeated(column: "pd.Series[str]", which: Ints) -> Any:
    words = sorted(column.unique())
    return coded(words, pd.Index(words).get_indexer(pd.Index(column))[which])


def _labelled(values: pd.DataFrame, securities: pd.DataFrame) -> tuple[Ints, Ints, pd.DataFrame]:
    """Rows (M), the label of each, and the labels: dimension and group_name, sorted."""
    known = values[["date", "underlying"]].merge(
        securities[["date", "symbol", "industry", "security_type"]].rename(columns={"symbol": "underlying"}),
        how="left",
        on=["date", "underlying"],
        validate="many_to_one",
    )
    asset_class = known["security_type"].fillna("unknown").mask(is_option(values), "option")
    columns = {
        "asset_class": asset_class,
        "industry": known["industry"].fillna("").replace("", UNCLASSIFIED),
        "position_type": values["position_type"],
        "sector": values["sector"],
        "underlying": values["underlying"],
    }
    rows, codes, labels, n_labels = [], [], [], 0
    for dimension in DIMENSIONS:
        if dimension == TAG:
            row, code, names = tags_of_rows(values["tags"])
        else:
            row = np.arange(len(values))
            code, found = pd.factorize(columns[dimension], sort=True)
            names = np.asarray(found, dtype=object)
        rows.append(row)
        codes.append(code + n_labels)
        labels.append(pd.DataFrame({"dimension": dimension, "group_name": names}, dtype="str"))
        n_labels += len(names)
    return np.concatenate(rows), np.concatenate(codes), pd.concat(labels, ignore_index=True)
