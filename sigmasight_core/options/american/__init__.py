"""American options: the exercise boundary, values and Greeks, implied volatility, tables for scenarios.

Here belongs what early exercise needs, on plain arrays. Not here: European values (`options.black_scholes`),
which contract is American (`options.exercise`), or where prices and quotes come from (`options.market`).
"""
