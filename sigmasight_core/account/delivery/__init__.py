"""Options that settle in shares: which do, what they deliver, and the lots and transactions that follow.

The ledger does not know it: whether an option ends in the money says the close of its last session. So
deliveries are a pure function of ledger, closes and corporate actions, and rows of a date follow from the
deliveries up to that date alone. What options that settle in cash pay is in `positions.settlement`.
"""
