"""Factor + specific risk of portfolios: its volatility, its Euler decomposition, and that beside a benchmark.

What belongs here: what follows from betas, the factor covariance and residuals, options at delta exposure.
What does not: simulation, which revalues options (`risk`), and the estimates themselves (`factors`).
"""
