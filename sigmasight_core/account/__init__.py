"""A portfolio as an account: lots from transactions, cash, income, returns, and what contributed to them.

Every trade, settlement, dividend, interest and fee moves cash; only deposits and withdrawals change value
without P&L. What belongs here: how that follows from transactions and prices. What does not: how a broker
writes a transaction down (`ledger`), what a position is worth (`positions`), measures of risk (`risk`).
"""
