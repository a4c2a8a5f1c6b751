"""Staleness: which published partitions were computed from something that has changed since.

What belongs here: how far a change of a source goes through the declared inputs (`reach`), and what is stale
because of it (`stale`). What does not: the arithmetic of spans (`sigmasight_core.market.staleness`), the
record of changes (`warehouse.corrections`), the check and the sensor that act on it (`checks`, `automation`).
"""
