"""Words for what a sum over positions leaves out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Ints, Texts
from sigmasight_core.conventions import OK

NAMES_SHOWN = 5


def gap_texts(gaps: Sequence[tuple[str, Any, Any]], n_groups: int) -> Texts:
    """What every group lacks: 'no price for X, Y; no Greeks for Z', '' where nothing is missing.

    :param gaps: for each kind of gap its words ('no price for'), the group of each and its name. A name
        counts once; of more than five the rest is counted.
    """
    texts = np.full(n_groups, "", dtype=object)
    for words, groups, names in gaps:
        listed = _listed(np.asarray(groups, dtype=np.intp), np.asarray(names, dtype=object), n_groups)
        some = listed != ""
        texts[some] += np.where(texts[some] == "", "", "; ") + words + " " + listed[some]
    return texts


def gap_status(texts: Texts, nothing_left: Any) -> Texts:
    """'ok', 'partial: ...', or 'unavailable: ...' where nothing is left."""
    status = np.where(nothing_left, "unavailable: " + texts, "partial: " + texts)
    return np.where(texts == "", OK, status)


def tell(texts: Texts, counts: Ints, before: str, after: str) -> None:
    """Say how many, where there are some, in place of what was said: 'no daily return on 3 sessions'."""
    some = counts > 0
    texts[some] = before + counts[some].astype(str).astype(object) + after


def _listed(groups: Ints, names: Texts, n_groups: int) -> Texts:
    pairs = pd.DataFrame({"group": groups, "name": names}).drop_duplicates().sort_values(["group", "name"])
    group, name = pairs["group"].to_numpy(dtype=np.intp), pairs["name"].to_numpy(dtype=object)
    rank = pairs.groupby("group").cumcount().to_numpy()
    texts = np.full(n_groups, "", dtype=object)
    for place in range(NAMES_SHOWN):
        at = rank == place
        texts[group[at]] += (", " if place else "") + name[at]
    more = np.bincount(group, minlength=n_groups) - NAMES_SHOWN
    many = more > 0
    texts[many] += " and " + more[many].astype(str).astype(object) + " more"
    return texts
