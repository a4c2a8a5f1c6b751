"""Correlations of a portfolio's significant holdings: pairs, clusters of look-alikes, diversification.

`pairwise`, `nearest_psd`, `clusters` and `measures` know matrices only; `holdings`, `portfolios` and `rows`
know positions. Correlations of factors are in `factors`.
"""
