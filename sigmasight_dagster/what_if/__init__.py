"""What-if: the declared portfolio assets computed in memory, with and without hypothetical trades.

`what_if` computes and `page` shows. The arithmetic of trades and comparison is in `sigmasight_core.what_if`;
saved sessions are in `warehouse.stores.what_if`. Nothing here publishes a partition.
"""
