"""Who asks: passwords, access tokens, roles, which portfolios a user may see, how often they may ask."""
