"""How an account did: returns with flows, beside a benchmark, and what contributed to them.

What belongs here: measures of values, P&L and flows that are there. What does not: how those follow from
transactions and prices (`account`), forecasts of risk (`risk`).
"""
