"""Plausibility: which prices, splits and dividends of a source cannot be believed as they stand, and why.

What belongs here: the rules that hold a row against its neighbours in time, its own adjusted close, range and
volume, the splits and dividends told, and a second source. What does not: what is done with a doubtful row
(`sigmasight_dagster.engine.doubts`), and entry prices of a ledger (`ledger.price_doubts`).
"""
