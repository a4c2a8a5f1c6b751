"""Batched clustering against scipy.cluster.hierarchy and scipy.sparse.csgraph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from sigmasight_core.correlation.clusters import cluster_labels, number_clusters


def matrices(n: int, size: int, seed: int, noise: float = 0.8) -> np.ndarray:
    """Correlation matrices of three common factors."""
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((n, 90, 3)) @ rng.standard_normal((n, 3, size))
    returns += noise * rng.standard_normal((n, 90, size))
    found = np.array([np.corrcoef(r.T) for r in returns]).reshape(n, size, size)
    return (found + found.swapaxes(1, 2)) / 2


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


def scipy_labels(correlation: np.ndarray, threshold: float, method: str) -> np.ndarray:
    distance = 1 - correlation
    np.fill_diagonal(distance, 0)
    return fcluster(linkage(squareform(distance, checks=False), method), 1 - threshold, "distance")


@pytest.mark.parametrize("size", [2, 5, 20, 45])
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7, 0.9])
def test_complete_linkage_equals_scipy(size: int, threshold: float) -> None:
    correlation = matrices(30, size, seed=size)
    labels = cluster_labels(correlation, np.ones((30, size), dtype=bool), threshold)
    for found, matrix in zip(labels, correlation, strict=True):
        assert partition(found) == partition(scipy_labels(matrix, threshold, "complete"))


@pytest.mark.parametrize("size", [2, 5, 20, 45])
def test_connected_equals_single_linkage_and_graph_components(size: int) -> None:
    correlation = matrices(30, size, seed=size)
    labels = cluster_labels(correlation, np.ones((30, size), dtype=bool), 0.7, "connected")
    for found, matrix in zip(labels, correlation, strict=True):
        assert partition(found) == partition(scipy_labels(matrix, 0.7, "single"))
        assert partition(found) == partition(connected_components(matrix >= 0.7)[1])


def test_complete_does_not_chain_and_connected_does() -> None:
    chain = np.array([[[1, 0.8, 0.3], [0.8, 1, 0.75], [0.3, 0.75, 1]]])
    present = np.ones((1, 3), dtype=bool)
    assert cluster_labels(chain, present).tolist() == [[0, 0, 2]]
    assert cluster_labels(chain, present, linkage="connected").tolist() == [[0, 0, 0]]


def test_identical_names_merge_and_the_threshold_is_inclusive() -> None:
    present = np.ones((1, 6), dtype=bool)
    assert cluster_labels(np.ones((1, 6, 6)), present).tolist() == [[0] * 6]
    at = np.where(np.eye(6, dtype=bool), 1.0, 0.7)[None]
    assert cluster_labels(at, present).tolist() == [[0] * 6]
    assert cluster_labels(at - 1e-9, present).tolist() == [list(range(6))]


def test_undefined_correlations_do_not_merge_and_absent_slots_are_left_out() -> None:
    correlation = np.ones((1, 4, 4))
    correlation[0, 0, 1] = correlation[0, 1, 0] = np.nan
    present = np.array([[True, True, True, False]])
    assert cluster_labels(correlation, present).tolist() == [[0, 1, 0, -1]]
    assert cluster_labels(correlation, np.zeros((1, 4), dtype=bool)).tolist() == [[-1] * 4]
    assert cluster_labels(np.empty((0, 0, 0)), np.empty((0, 0), dtype=bool)).shape == (0, 0)


def test_numbers_fall_with_size_and_equals_go_by_slot() -> None:
    labels = np.array([[0, 1, 0, 3, -1], [0, 1, 2, 3, 4], [-1] * 5])
    size = np.array([[1.0, 5, 1, 5, 99], [2, 2, 2, 3, 2], [1, 1, 1, 1, 1]])
    number, members = number_clusters(labels, size)
    assert number.tolist() == [[3, 1, 3, 2, 0], [2, 3, 4, 1, 5], [0] * 5]
    assert members.tolist() == [[2, 1, 2, 1, 0], [1] * 5, [0] * 5]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 15), threshold=st.floats(-0.5, 0.99))
def test_every_pair_reaches_the_threshold_whatever_the_order(seed: int, size: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    correlation, present = matrices(4, size, seed), rng.random((4, size)) < 0.8
    labels = cluster_labels(correlation, present, threshold)
    assert ((labels < 0) == ~present).all()
    together = (labels[:, :, None] == labels[:, None, :]) & present[:, :, None] & ~np.eye(size, dtype=bool)
    assert (correlation[together] >= threshold).all()
    order = rng.permutation(size)
    permuted = cluster_labels(correlation[:, order][:, :, order], present[:, order], threshold)
    again = (
        (permuted[:, :, None] == permuted[:, None, :]) & present[:, order, None] & ~np.eye(size, dtype=bool)
    )
    np.testing.assert_array_equal(again, together[:, order][:, :, order])
    alone = [
        cluster_labels(c[None], p[None], threshold)[0] for c, p in zip(correlation, present, strict=True)
    ]
    np.testing.assert_array_equal(labels, alone)
