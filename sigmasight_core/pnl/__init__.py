"""P&L explain: the daily P&L of positions and portfolios by cause, from what was known before the move.

`price_parts` tells price, gamma, vega, theta and rho apart, `factor_parts` the return of the underlying by
factor. The P&L itself is computed in `positions`; forecasts of it are in `risk` and `stress`.
"""
