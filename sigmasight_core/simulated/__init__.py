"""The simulated market: prices, actions, yields, option quotes with true parameters, from a seed alone.

Here belongs what stands in for a data source, and what it knows of the truth for tests of the estimators. No
calculation of a portfolio may use it.
"""
