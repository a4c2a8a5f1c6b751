"""A portfolio CSV with one line of each kind, which imports as it stands."""

from typing import Final

TEMPLATE: Final = """\
ticker,quantity,entry_price,entry_date,tags,exit_date,exit_price
AAPL,100,173.07,2022-01-14,"core_holdings,tech_growth",,
JPM,-50,157.89,2022-01-14,short_value_traps,,
AAPL230120C00150000,3,12.40,2022-09-15,options_overlay,,
MSFT,40,310.20,2022-01-14,core_holdings,2022-08-15,293.47
"""
"""A stock, a short, an option (3 contracts, the price per share of the underlying) and a closed position."""
