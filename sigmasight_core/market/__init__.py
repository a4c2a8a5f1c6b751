"""Market data of symbols: returns and volatility, splits and dividends, coverage, sources against each other.

Here belongs what can be said of a symbol without knowing who holds it, and `staleness`, the one calculation
of what a change of an input makes out of date. Option contracts are in `options`, how prices are fetched is
not in the core at all.
"""
