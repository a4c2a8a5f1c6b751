"""In which order the lines of a file happened: brokers write the latest first as often as last."""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.arrays.types import Ints


def direction(files: pd.DataFrame, *, dates: "pd.Series[pd.Timestamp]", lines: "pd.Series[int]") -> Ints:
    """Of each row (n): 1 = its file goes from the first day to the latest, -1 = the other way, 0 = unknown.

    What happens more often from line to line decides: a row that is booked late (`as of`) turns nothing
    round. A file whose rows are of one day cannot tell.

    :param files: columns that together say of which file a row is. :param dates: NaT counts as none.
    """
    frame = files.reset_index(drop=True)
    frame["file"] = frame.groupby(list(files)).ngroup()
    frame["date"], frame["line"] = dates.to_numpy(), lines.to_numpy()
    known = frame.dropna(subset="date").sort_values(["file", "line"], kind="stable")
    days = pd.Series(day_numbers(known["date"]), index=known.index)
    steps = np.sign(days.groupby(known["file"]).diff().fillna(0.0))
    net = np.sign(steps.groupby(known["file"]).sum())
    return net.reindex(frame["file"]).fillna(0.0).to_numpy().astype(np.int64)


def happened(transactions: pd.DataFrame) -> Ints:
    """A number of each row (n) by which those of a day are in the order in which they happened.

    A file that cannot tell counts in its own order, and so does what was inferred, as the trades of a list
    of positions are.

    :param transactions: rows of `tables.Transactions`.
    """
    line = transactions["source_line"].to_numpy(dtype=np.int64)
    stated = (transactions["inferred"] == "").to_numpy()
    rows, turned = transactions[stated], np.zeros(len(line), dtype=bool)
    which = direction(rows[["portfolio", "source"]], dates=rows["date"], lines=rows["source_line"])
    turned[stated] = which < 0
    return np.where(turned, -line, line)
