"""What if: a list of hypothetical trades, the ledger that they leave behind, and the numbers side by side.

The changed ledger goes through the same calculations as any other; none of them is repeated here.
"""
