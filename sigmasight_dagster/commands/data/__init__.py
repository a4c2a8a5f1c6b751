"""Commands on stored market data: closes of a symbol, coverage, fetching again, and deleting old detail.

Whatever computes results of portfolios belongs in `runs`, also when new prices are the reason (`stale`).
"""
