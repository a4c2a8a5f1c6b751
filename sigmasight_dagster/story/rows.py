"""The rows of a table, partition by partition, without a loop over partitions."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.tables import Table, columns_by_role, grain
from sigmasight_dagster.partitions.keys import of_frame


class PartitionRows:
    """Rows as `validate` returns them, that is ordered by partition.

    The partitions that have rows are numbered in that order; arrays below have one element for each.
    """

    def __init__(self, model: type[Table], frame: pd.DataFrame):
        self.model = model
        self.frame = frame
        self._columns = list(grain(model).value)
        begins = np.zeros(len(frame), dtype=bool)
        begins[:1] = True
        for name in self._columns:
            begins |= frame[name].ne(frame[name].shift()).to_numpy(dtype=bool)
        self.starts: Ints = begins.nonzero()[0]
        self.sizes: Ints = np.diff(np.append(self.starts, len(frame)))

    @cached_property
    def keys(self) -> list[str]:
        """Dagster's partition keys."""
        return of_frame(self.frame[self._columns].iloc[self.starts]).tolist()

    @cached_property
    def codes(self) -> Ints:
        """Number of the partition of each row."""
        return np.repeat(np.arange(len(self.starts)), self.sizes)

    def rows(self, number: int) -> pd.DataFrame:
        """Rows of one partition."""
        start = self.starts[number]
        return self.frame.iloc[start : start + self.sizes[number]]

    def floats(self, column: str) -> Floats:
        """One column of every row."""
        return self.frame[column].to_numpy(dtype=float, na_value=np.nan)

    def null_values(self) -> npt.NDArray[np.int64]:
        """NULLs among the measured columns."""
        nulls = np.zeros(len(self.frame), dtype=np.int64)
        for column in columns_by_role(self.model, "value"):
            nulls += self.frame[column].isna().to_numpy(dtype=bool)
        return np.add.reduceat(nulls, self.starts) if len(nulls) else nulls
