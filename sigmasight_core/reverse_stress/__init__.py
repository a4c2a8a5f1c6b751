"""Reverse stress: the most likely state of the factors in which a portfolio loses a given share of its value.

The P&L of a state is that of `stress`, as a `LossSurface` with its slope; here belong the search over states
(`most_likely_loss`) and the descent to the nearest point (`nearest_loss`). Both know surfaces only.
"""
