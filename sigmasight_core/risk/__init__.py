"""Risk of portfolios over one session: what could be lost, who contributes, whether it was right, what was.

`filtered_returns` makes scenarios of the next session from past ones, `revaluation` values a book in them.
On these stand `historical_simulation` (value at risk, the headline) and `portfolio_backtest` (the same
value at risk, session by session, against what the book would have gained). `decomposition` shares the
parametric risk out, with `residuals` for what the factors do not explain. `performance` is about the past
of the account itself. `measures` makes the rows of the three tables.

Not here: scenarios that somebody names (`stress`), and the betas and covariances that come in (`factors`).
"""
