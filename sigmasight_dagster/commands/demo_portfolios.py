"""The portfolios of the demo, for the commands that make them and that let users see them."""

from typing import Final

PORTFOLIOS: Final = {"individual": "physical", "high_net_worth": "physical", "hedge_fund": "cash"}
"""How the options of each settle: a call turns into shares, a covered call takes some, two pay cash."""
