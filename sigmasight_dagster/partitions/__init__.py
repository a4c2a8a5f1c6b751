"""Partitions: which there are (`dates`) and how their keys read (`keys`).

What does not belong here: which dates a user may ask for (`session_dates`), which partitions are published
(`warehouse`), failed (`runs.recovery`) or stale (`staleness`).
"""
