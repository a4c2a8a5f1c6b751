"""Nicknames of clusters: what their members have in common."""

import numpy as np
import pandas as pd

from sigmasight_core.arrays.repeats import repeated
from sigmasight_core.arrays.types import Ints
from sigmasight_core.correlation.holdings import Holdings

UNCLASSIFIED = "unclassified"


def cluster_nicknames(holdings: Holdings, group: Ints) -> pd.api.extensions.ExtensionArray:
    """A name for each cluster: a tag that all members carry (the first in alphabetical order), else their
    common sector, else '<largest symbol> lookalikes'. A cluster of one bears its symbol.

    A holding carries the tags of all its positions. Of equally large symbols the first counts.

    :param group: cluster of each holding, 0..G-1; -1 = in none.
    :returns: [G] names.
    """
    size = np.bincount(group[group >= 0])
    largest = holdings.symbol[_largest(holdings, group, size.size)]
    alone = size < 2
    tags, common_tag = _common_tag(holdings, group, size)
    sectors, common_sector = _common_sector(holdings, group, size)
    symbols = holdings.symbols.astype("str")
    words = pd.concat(
        [pd.Series(part, dtype="str") for part in (symbols, symbols + " lookalikes", tags, sectors)]
    )
    after_symbols, after_largest = len(symbols), 2 * len(symbols)
    code = np.select(
        [alone, common_tag >= 0, common_sector >= 0],
        [largest, after_largest + common_tag, after_largest + len(tags) + common_sector],
        after_symbols + largest,
    )
    return words.array.take(code)


def _largest(holdings: Holdings, group: Ints, n_groups: int) -> Ints:
    """The holding with the largest exposure of each cluster."""
    order = np.lexsort((holdings.symbol, -np.abs(holdings.exposure), group))
    return order[np.searchsorted(group[order], np.arange(n_groups))]


def _common_sector(holdings: Holdings, group: Ints, size: Ints) -> tuple[pd.Index, Ints]:
    """Sectors, and the code of the one that all members of each cluster are in; -1 = none."""
    codes, sectors = pd.factorize(holdings.positions["sector"])
    sector = np.full(group.size, -1)
    sector[holdings.positions["holding"]] = codes
    member = group >= 0
    low, high = np.full(size.size, len(sectors)), np.full(size.size, -1)
    np.minimum.at(low, group[member], sector[member])
    np.maximum.at(high, group[member], sector[member])
    shared = (low == high) & (high >= 0)
    shared[shared] = np.asarray(sectors != UNCLASSIFIED)[high[shared]]
    return pd.Index(sectors), np.where(shared, high, -1)


def _common_tag(holdings: Holdings, group: Ints, size: Ints) -> tuple[pd.Index, Ints]:
    """Tags, and the code of the first one that all members of each cluster carry; -1 = none."""
    of_position = group[holdings.positions["holding"]]
    shared = (of_position >= 0) & (size[of_position] > 1)
    codes, lists = pd.factorize(holdings.positions["tags"].array[shared])
    exploded = pd.Series(lists, dtype="str").str.split(",").explode().str.strip()
    exploded = exploded[exploded.notna() & (exploded != "")]
    tag, tags = pd.factorize(exploded, sort=True)
    if not len(tags):
        return pd.Index([], dtype="str"), np.full(size.size, -1)
    # Tags of list l are tag[start[l]:start[l] + count[l]]; repeat them for each position with that list.
    count = np.bincount(exploded.index, minlength=len(lists))
    start = np.cumsum(count) - count
    row, within = repeated(count[codes])
    carried = tag[start[codes[row]] + within]
    holding = holdings.positions["holding"].to_numpy()[shared][row]
    pairs = np.unique(holding * len(tags) + carried)
    clusters, members = np.unique(
        group[pairs // len(tags)] * len(tags) + pairs % len(tags), return_counts=True
    )
    everyone = clusters[members == size[clusters // len(tags)]]
    common = np.full(size.size, -1)
    common[(everyone // len(tags))[::-1]] = (everyone % len(tags))[::-1]
    return pd.Index(tags), common
