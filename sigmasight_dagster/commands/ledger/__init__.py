"""Commands on what is held: registering portfolios, their positions and cash, and editing them.

`onboard` goes on to first results, because that is what a new portfolio is for. The rules of a portfolio
file and of an edit are not here: see `sigmasight_core.ledger` and `sigmasight_dagster.ledger`.
"""
