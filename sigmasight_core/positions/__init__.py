"""Positions at the close of a date: what is held, its value and P&L, Greeks, portfolio totals and group sums.

`held` is the one way to ask what is held, what is an option and what a call. `book` has the ledger's rows as
arrays in the units of a day. Risk of any kind is in the rooms above, which take these rows as they are.
"""
