"""Tags of positions: a text with commas between them, in whose every tag the position counts."""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.repeats import repeated
from sigmasight_core.arrays.types import Ints, Texts


def tags_of_rows(texts: "pd.Series[str]") -> tuple[Ints, Ints, Texts]:
    """Every tag of every row (n,).

    A row counts once in a tag that is written twice. The note of a transaction may have spaces at its commas,
    and nothing between two: they are no part of a tag.

    :returns: the row of each (m,), rising, its code (m,), and the distinct tags, sorted; '' = without a tag.
    """
    of_row, distinct = pd.factorize(texts)
    lists = [sorted({word.strip() for word in text.split(",")} - {""}) or [""] for text in distinct]
    lengths = np.array([len(words) for words in lists], dtype=np.int64)
    rows, within = repeated(lengths[of_row])
    every = np.array([word for words in lists for word in words], dtype=object)
    names, codes = np.unique(every, return_inverse=True)
    return rows, codes[(np.cumsum(lengths) - lengths)[of_row[rows]] + within], names
