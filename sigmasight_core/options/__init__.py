"""Option contracts: OCC symbols, prices and Greeks per share, implied volatility, quotes, rates, their audit.

Here belongs what can be said of a contract without knowing who holds it. Quantities, signs of positions and
Greeks of positions are in `positions`, prices under shocks in `stress`.
"""
