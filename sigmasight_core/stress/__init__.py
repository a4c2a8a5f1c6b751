"""Stress tests: scenarios, from shocks to the state of the factors, revaluation, the method against reality.

Here belongs P&L under given moves. Which moves lose a given amount is asked in `reverse_stress`; how likely
losses are, in `risk`.
"""
