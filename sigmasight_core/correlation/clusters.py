"""Clusters of look-alikes in a batch of correlation matrices."""

from typing import Literal

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

Linkage = Literal["complete", "connected"]


def cluster_labels(
    correlation: Floats, present: Bools, threshold: float = 0.7, linkage: Linkage = "complete"
) -> Ints:
    """Agglomerative clusters of every matrix, cut at a correlation.

    `complete` merges the two closest clusters as long as every pair of their members correlates at
    `threshold` or more (complete linkage of 1 - rho cut at 1 - threshold); `connected` as long as one
    pair does (single linkage, that is, the connected components of the graph of such pairs).
    Both linkages are reducible, so all clusters that are each other's nearest merge at once, with the
    same result as one by one (F. Murtagh, "A survey of recent advances in hierarchical clustering
    algorithms", The Computer Journal 26 (1983) 354-359). Of equal distances the first slot's wins.

    :param correlation: [N, S, S]; NaN is below any threshold.
    :param present: [N, S], False for slots that a matrix does not use.
    :returns: [N, S] slot of the first member of each slot's cluster; -1 where not present.
    """
    slots = np.arange(present.shape[1])
    labels = np.where(present, slots, -1)
    if not present.any():
        return labels
    closest = np.minimum if linkage == "connected" else np.maximum
    distance = 1.0 - correlation
    distance[~(correlation >= threshold)] = np.inf
    distance[~(present[:, :, None] & present[:, None, :])] = np.inf
    distance[:, slots, slots] = np.inf

    todo = np.flatnonzero(np.isfinite(distance).any(axis=(1, 2)))
    distance = distance[todo]
    while todo.size:
        nearest, partner = distance.min(axis=2), distance.argmin(axis=2)
        # Clusters that are each other's nearest; the later slot goes into the earlier one
        mutual = np.isfinite(nearest) & (np.take_along_axis(partner, partner, axis=1) == slots)
        partner = np.where(mutual, partner, slots)
        gone = mutual & (partner < slots)
        into = np.where(gone, partner, slots)
        own = labels[todo]
        labels[todo] = np.where(own < 0, -1, np.take_along_axis(into, np.maximum(own, 0), axis=1))
        # Lance-Williams update: the farther (complete) or nearer (connected) of both, rows then columns
        distance = closest(distance, np.take_along_axis(distance, partner[:, :, None], axis=1))
        distance = closest(distance, np.take_along_axis(distance, partner[:, None, :], axis=2))
        distance[gone[:, :, None] | gone[:, None, :]] = np.inf
        distance[:, slots, slots] = np.inf
        going = np.isfinite(distance).any(axis=(1, 2))
        todo, distance = todo[going], distance[going]
    return labels


def number_clusters(labels: Ints, size: Floats) -> tuple[Ints, Ints]:
    """Number the clusters of each matrix from 1 by falling total size; equals by their first slot.

    :param labels: [N, S] of `cluster_labels`.
    :param size: [N, S] size of each slot (gross exposure), >= 0.
    :returns: cluster number and count of members of each slot's cluster [N, S]; 0 where not present.
    """
    n_books, n_slots = labels.shape
    present = labels >= 0
    book = np.broadcast_to(np.arange(n_books)[:, None], labels.shape)
    flat = (book * n_slots + labels)[present]
    shape, length = (n_books, n_slots), n_books * n_slots
    members = np.bincount(flat, minlength=length).reshape(shape)
    total = np.bincount(flat, weights=size[present], minlength=length).reshape(shape)
    order = np.argsort(np.where(members > 0, -total, np.inf), axis=1, kind="stable")
    number = np.empty(shape, dtype=np.intp)
    np.put_along_axis(number, order, np.broadcast_to(np.arange(1, n_slots + 1), shape), axis=1)
    of_slot = np.maximum(labels, 0)
    return (
        np.where(present, np.take_along_axis(number, of_slot, axis=1), 0),
        np.where(present, np.take_along_axis(members, of_slot, axis=1), 0),
    )
